import { join } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { type Duck, literal, quoted } from '../../datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../datasets/duckdb.ts'
import { partSql, type SplitQuery, splitSql } from './split-sql.ts'

export const SPLITS = ['train', 'validation', 'test'] as const
export type SplitName = (typeof SPLITS)[number]

export type WrittenSplit = { readonly path: string; readonly rows: number; readonly labels: Readonly<Record<string, number>> }

export type SplitOutput = {
  readonly keep: readonly string[]
  readonly folder: string
  readonly regression: boolean
  readonly onWritten: (name: SplitName) => void
}

type Counts = Record<SplitName, Record<string, number>>

/** Rows of each part by label; of a number to be predicted under the name `number`. */
async function countLabels(duck: Duck, { path, label }: SplitQuery, regression: boolean): Promise<Counts> {
  const rows = await duck.rows(
    `SELECT part, ${regression ? "'number'" : `CAST("rows".${quoted(label)} AS VARCHAR)`} AS label, count(*)::DOUBLE AS n
     FROM read_parquet(${literal(path)}, file_row_number = true) AS "rows" JOIN assigned ON "rows".file_row_number = assigned.line GROUP BY ALL ORDER BY ALL`,
  )
  const counts: Counts = { train: {}, validation: {}, test: {} }
  for (const row of rows) counts[row['part'] as SplitName][String(row['label'])] = Number(row['n'])
  return counts
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((total, n) => total + n, 0)

/** Writes the three parts as Parquet. Throws invalid_input where one has no rows. */
export async function writeSplits(
  duck: Duck,
  query: SplitQuery,
  { keep, folder, regression, onWritten }: SplitOutput,
): Promise<Record<SplitName, WrittenSplit>> {
  await duck.run(splitSql(query))
  const counts = await countLabels(duck, query, regression)
  const written = await SPLITS.reduce(
    async (before, name) => {
      const done = await before
      const rows = sum(counts[name])
      if (rows === 0) throw new AppError('invalid_input', `the ${name} split is empty: raise its fraction, or bring more rows`)
      const path = join(folder, `${name}.parquet`)
      await duck.run(`COPY (${partSql(query, name, keep)}) TO ${literal(path)} ${PARQUET_OPTIONS}`)
      onWritten(name)
      return { ...done, [name]: { path, rows, labels: counts[name] } }
    },
    Promise.resolve({} as Record<SplitName, WrittenSplit>),
  )
  return written
}

/** How many rows of a part may be told by label: a label of thousands of values is no class. */
const MAX_CLASSES = 1000

export function splitProperties(name: SplitName, { rows, labels }: WrittenSplit, schema: JsonObject): JsonObject {
  return { split: name, rows, labels: Object.keys(labels).length > MAX_CLASSES ? null : labels, columns: columnNames(schema), schema }
}

const columnNames = (schema: JsonObject): string[] => (schema['features'] as { name: string }[]).map(({ name }) => name)
