import type { SharedExample } from '../../shared/contract/datasets.ts'
import type { Db } from '../storage/database.ts'
import type { ExampleRow } from './span-files.ts'

type ExampleTables = {
  shared_examples: {
    model: string
    id: string
    captured: number
    received: number
    sender: string
    label: string
    shape: string
    data: string | null
    dataset: string | null
    span: number | null
  }
}

const count = (row: { n: number | string | bigint } | undefined): number => Number(row?.n ?? 0)

/** SQLite's variables per statement bound how many rows go at once. */
const ROWS_AT_ONCE = 500

/** Takes a database or a transaction. */
export function exampleStore(base: Db) {
  const db = base.withTables<ExampleTables>()
  return {
    /** How many of these were new. */
    async add(model: string, sender: string, received: number, examples: readonly SharedExample[]): Promise<number> {
      const added = await db
        .insertInto('shared_examples')
        .values(
          examples.map(({ id, captured, label, shape, data }) => ({
            model,
            id,
            captured,
            received,
            sender,
            label,
            shape: JSON.stringify(shape),
            data,
            dataset: null,
            span: null,
          })),
        )
        .onConflict((c) => c.doNothing())
        .returning('id')
        .execute()
      return added.length
    },

    async waiting(model: string): Promise<number> {
      return count(
        await db
          .selectFrom('shared_examples')
          .select((e) => e.fn.countAll().as('n'))
          .where('model', '=', model)
          .where('span', 'is', null)
          .executeTakeFirst(),
      )
    },

    async all(model: string): Promise<number> {
      return count(
        await db
          .selectFrom('shared_examples')
          .select((e) => e.fn.countAll().as('n'))
          .where('model', '=', model)
          .executeTakeFirst(),
      )
    },

    async sentSince(model: string, sender: string, since: number): Promise<number> {
      const row = await db
        .selectFrom('shared_examples')
        .select((e) => e.fn.countAll().as('n'))
        .where('model', '=', model)
        .where('sender', '=', sender)
        .where('received', '>=', since)
        .executeTakeFirst()
      return count(row)
    },

    /** Those not yet in a span, in order of id. */
    take: (model: string, limit: number): Promise<ExampleRow[]> =>
      db
        .selectFrom('shared_examples')
        .select(['id', 'label', 'captured', 'data'])
        .where('model', '=', model)
        .where('span', 'is', null)
        .where('data', 'is not', null)
        .orderBy('id')
        .limit(limit)
        .execute() as Promise<ExampleRow[]>,

    /** Notes where they went and lets go of their content, which the span holds now. */
    async freeze(model: string, ids: readonly string[], dataset: string, span: number): Promise<void> {
      for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) {
        await db
          .updateTable('shared_examples')
          .set({ dataset, span, data: null })
          .where('model', '=', model)
          .where('id', 'in', ids.slice(at, at + ROWS_AT_ONCE))
          .execute()
      }
    },
  }
}
