import { join } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { type Duck, type DuckLane, literal, PARQUET_OPTIONS } from '../../datasets/duckdb.ts'
import { partSql, type SplitQuery, splitSql } from './split-sql.ts'

export const SPLITS = ['train', 'validation', 'test'] as const
export type SplitName = (typeof SPLITS)[number]

export type WrittenSplit = { readonly path: string; readonly rows: number; readonly labels: Readonly<Record<string, number>> }

export type SplitOutput = {
  readonly keep: readonly string[]
  readonly folder: string
  readonly regression: boolean
}

/** A model that tells so many labels apart is none; their names are kept in memory. */
const MAX_LABELS = 100_000

/** Rows of a written part by label; of a number to be predicted under the name `number`. Throws invalid_input where there are more labels than a model can tell apart. */
async function countLabels(lane: DuckLane, path: string, { label, regression }: { label: string; regression: boolean }) {
  const rows = await lane.rows(
    `SELECT ${regression ? "'number'" : 'label'} AS label, count(*)::DOUBLE AS n FROM read_parquet(${literal(path)}) GROUP BY ALL ORDER BY ALL LIMIT ${MAX_LABELS + 1}`,
  )
  if (rows.length > MAX_LABELS)
    throw new AppError(
      'invalid_input',
      `the label ${label} has more than ${MAX_LABELS} values: where it is a number to be predicted, set the task to regression`,
    )
  return Object.fromEntries(rows.map((row) => [String(row['label']), Number(row['n'])]))
}

/** Gives each row its part, in the table `assigned`: how many rows each has. Throws invalid_input where a part has none. */
export async function assignSplits(duck: Duck, query: SplitQuery): Promise<Readonly<Record<SplitName, number>>> {
  await duck.run(splitSql(query))
  const counted = await duck.rows('SELECT part, count(*)::DOUBLE AS n FROM assigned GROUP BY part')
  const sizes = new Map(counted.map((row) => [String(row['part']), Number(row['n'])]))
  const empty = SPLITS.find((name) => !sizes.has(name))
  if (empty !== undefined) throw new AppError('invalid_input', `the ${empty} split is empty: raise its fraction, or bring more rows`)
  return Object.fromEntries(sizes) as Record<SplitName, number>
}

/** Writes a part, after assignSplits, as Parquet. */
export async function writeSplit(
  lane: DuckLane,
  query: SplitQuery,
  name: SplitName,
  { keep, folder, regression }: SplitOutput,
): Promise<WrittenSplit> {
  const path = join(folder, `${name}.parquet`)
  await lane.run(`COPY (${partSql(query, name, keep)}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
  const labels = await countLabels(lane, path, { label: query.label, regression })
  return { path, rows: Object.values(labels).reduce((sum, n) => sum + n, 0), labels }
}

/** How many rows of a part may be told by label: a label of thousands of values is no class. */
const MAX_CLASSES = 1000

export function splitProperties(name: SplitName, { rows, labels }: WrittenSplit, schema: JsonObject): JsonObject {
  return { split: name, rows, labels: Object.keys(labels).length > MAX_CLASSES ? null : labels, columns: columnNames(schema), schema }
}

const columnNames = (schema: JsonObject): string[] => (schema['features'] as { name: string }[]).map(({ name }) => name)
