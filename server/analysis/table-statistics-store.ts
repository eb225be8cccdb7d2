import { type DuckLane, literal, quoted } from '../datasets/duckdb.ts'
import type { TableColumn } from './open-table.ts'
import { readBatches } from '../pipeline/data/parquet-batches.ts'
import type { Column } from '../../shared/data/columns.ts'
import { isImageColumn } from '../../shared/data/columns.ts'

/** How a column of a DuckDB type is counted. */
export type ColumnKind = 'int' | 'float' | 'text' | 'time' | 'bytes'

/** One column of numbers, text, times or bytes: what selects a value, and what from. */
export type CountedColumn = { readonly name: string; readonly kind: ColumnKind; readonly sql: string }

/** Rows of a Parquet file as SQL's FROM. Its rows are numbered. */
export type Rows = { readonly from: string; readonly rowNumber: string; readonly rows: number }

/** Columns of a Parquet file with their DuckDB types. */
export const parquetColumns = async (lane: DuckLane, path: string): Promise<TableColumn[]> =>
  (await lane.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`)).map((row) => {
    const name = String(row['column_name'])
    return { name, id: quoted(name), type: String(row['column_type']) }
  })

export const parquetRows = (path: string, rows: number): Rows => ({
  from: `read_parquet(${literal(path)}, file_row_number = true)`,
  rowNumber: 'file_row_number',
  rows,
})

/** The values in a column of lists as rows of their own; the value is called `v`. */
export const unnested = (list: string, { from }: Rows, rows: number): Rows => ({
  from: `(SELECT v, row_number() OVER () AS nth FROM (SELECT unnest(${list}) AS v FROM ${from}))`,
  rowNumber: 'nth',
  rows,
})

export type ListFacts = { readonly count: number; readonly min: number; readonly max: number; readonly total: number }

export async function listFacts(lane: DuckLane, list: string, { from }: Rows): Promise<ListFacts> {
  const [row] = await lane.rows(
    `SELECT count(x)::DOUBLE AS count, min(len(x))::DOUBLE AS min, max(len(x))::DOUBLE AS max, sum(len(x))::DOUBLE AS total FROM (SELECT ${list} AS x FROM ${from})`,
  )
  const of = (name: string) => Number(row?.[name] ?? 0)
  return { count: of('count'), min: of('min'), max: of('max'), total: of('total') }
}

/** What one pass over a column gives. `whole` counts whole numbers among finite ones, `bytes` is the size of the longest text. */
export type ColumnFacts = {
  readonly present: number
  readonly finite: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly deviation: number
  readonly zeros: number
  readonly whole: number
  readonly distinct: number
  readonly bytes: number
}

const NUMBER = (x: string): Partial<Record<keyof ColumnFacts, string>> => ({
  finite: `count(${x})`,
  min: `min(${x})`,
  max: `max(${x})`,
  mean: `avg(${x})`,
  deviation: `stddev_samp(${x})`,
  zeros: `count_if(${x} = 0)`,
})

function factsSql(kind: ColumnKind, x: string, y: string): Partial<Record<keyof ColumnFacts, string>> {
  const present = `count(${x})`
  switch (kind) {
    case 'int':
      return { present, ...NUMBER(x), distinct: `approx_count_distinct(${x})` }
    case 'float':
      return { present, ...NUMBER(y), whole: `count_if(${y} = trunc(${y}))` }
    case 'time':
      return { present, ...NUMBER(x) }
    case 'text':
      return { present, distinct: `approx_count_distinct(${x})`, bytes: `max(strlen(${x}))` }
    case 'bytes':
      return { present }
  }
}

/** One scan over some columns. Sums go in the order of the rows, so that they come out the same each time where the lane has one thread. */
export async function columnFacts(lane: DuckLane, columns: readonly CountedColumn[], { from }: Rows): Promise<ColumnFacts[]> {
  const values = columns.flatMap(({ kind, sql }, at) =>
    kind === 'float' ? [`${sql} AS x${at}`, `CASE WHEN isfinite(${sql}) THEN ${sql} END AS y${at}`] : [`${sql} AS x${at}`],
  )
  const facts = columns.map(({ kind }, at) => Object.entries(factsSql(kind, `x${at}`, `y${at}`)))
  const asked = facts.flatMap((each, at) => each.map(([name, sql]) => `(${sql})::DOUBLE AS ${name}${at}`))
  const [row] = await lane.rows(`SELECT ${asked.join(', ')} FROM (SELECT ${values.join(', ')} FROM ${from})`)
  return columns.map((_, at) => {
    const of = (name: string) => Number(row?.[`${name}${at}`] ?? 0)
    return {
      present: of('present'),
      finite: of('finite'),
      min: of('min'),
      max: of('max'),
      mean: of('mean'),
      deviation: of('deviation'),
      zeros: of('zeros'),
      whole: of('whole'),
      distinct: of('distinct'),
      bytes: of('bytes'),
    }
  })
}

/** How many values of a column are no numbers, and how many infinite. */
export async function oddNumbers(
  lane: DuckLane,
  { sql }: CountedColumn,
  { from }: Rows,
): Promise<{ nan: number; posInf: number; negInf: number }> {
  const [row] = await lane.rows(
    `SELECT count_if(isnan(x))::DOUBLE AS nan, count_if(isinf(x) AND x > 0)::DOUBLE AS "posInf", count_if(isinf(x) AND x < 0)::DOUBLE AS "negInf" FROM (SELECT ${sql} AS x FROM ${from})`,
  )
  return { nan: Number(row?.['nan'] ?? 0), posInf: Number(row?.['posInf'] ?? 0), negInf: Number(row?.['negInf'] ?? 0) }
}

/** Distinct values of a column, estimated. */
export async function distinctOf(lane: DuckLane, { sql }: CountedColumn, { from }: Rows): Promise<number> {
  const [row] = await lane.rows(`SELECT approx_count_distinct(${sql})::DOUBLE AS n FROM ${from}`)
  return Number(row?.['n'] ?? 0)
}

/**
 * The same `size` rows for whatever columns are asked: those whose numbers have the least hashes. One array a column, numbers as doubles.
 */
export async function sampleOf(
  lane: DuckLane,
  columns: readonly CountedColumn[],
  { from, rowNumber, rows }: Rows,
  size: number,
): Promise<(number | string | null)[][]> {
  // a little more than needed pass the first look, so that sorting has few to do
  const share = Math.min(1, (1.2 * size + 200) / Math.max(1, rows))
  const where = share >= 1 ? '' : `WHERE hash(${rowNumber}) < ${BigInt(Math.floor(share * 2 ** 53)) << 11n}::UBIGINT`
  const order = rows <= size ? '' : `ORDER BY hash(${rowNumber}) LIMIT ${size}`
  const values = columns.map(({ kind, sql }, at) => `${kind === 'text' ? sql : kind === 'bytes' ? 'NULL' : `(${sql})::DOUBLE`} AS c${at}`)
  const sample: (number | string | null)[][] = columns.map(() => [])
  for await (const batch of readBatches(lane, `SELECT ${values.join(', ')} FROM ${from} ${where} ${order}`)) {
    for (const [at, kept] of sample.entries()) for (const value of valuesOf(batch[`c${at}`])) kept.push(value as number | string | null)
  }
  return sample
}

const valuesOf = (column: Column | undefined): Iterable<unknown> => (column === undefined || isImageColumn(column) ? [] : column)

export type TopValue = { readonly value: string; readonly count: number }

/** A value as text. Whole numbers of a float column are written as such. */
const asText = (kind: ColumnKind): string => (kind === 'float' ? 'coalesce(TRY_CAST(v AS HUGEINT)::VARCHAR, v::VARCHAR)' : 'v::VARCHAR')

/** Every distinct value counted: how many there are, their mean length, and the most frequent. */
export async function countedValues(
  lane: DuckLane,
  { sql, kind }: CountedColumn,
  { from }: Rows,
  limit: number,
): Promise<{ unique: number; meanLength: number; top: TopValue[] }> {
  const rows = await lane.rows(
    `SELECT t, n::DOUBLE AS n, (count(*) OVER ())::DOUBLE AS u, ((sum(n * length(t)) OVER ()) / (sum(n) OVER ()))::DOUBLE AS l
     FROM (SELECT ${asText(kind)} AS t, n FROM (SELECT ${sql} AS v, count(*) AS n FROM ${from} WHERE v IS NOT NULL GROUP BY v)) ORDER BY n DESC, t LIMIT ${limit}`,
  )
  return {
    unique: Number(rows[0]?.['u'] ?? 0),
    meanLength: Number(rows[0]?.['l'] ?? 0),
    top: rows.map((row) => ({ value: String(row['t']), count: Number(row['n']) })),
  }
}

/** How often each of these values stands in a column. */
export async function countsOf(
  lane: DuckLane,
  { sql, kind }: CountedColumn,
  { from }: Rows,
  values: readonly string[],
): Promise<TopValue[]> {
  const wanted = values.map((value) => (kind === 'text' ? literal(value) : value)).join(', ')
  const rows = await lane.rows(
    `SELECT ${asText(kind)} AS t, n::DOUBLE AS n FROM (SELECT ${sql} AS v, count(*) AS n FROM ${from} WHERE v IN (${wanted}) GROUP BY v) ORDER BY n DESC, t`,
  )
  return rows.map((row) => ({ value: String(row['t']), count: Number(row['n']) }))
}
