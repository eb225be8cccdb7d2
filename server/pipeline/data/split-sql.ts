import { literal, quoted } from '../../datasets/duckdb.ts'

export type SplitQuery = {
  readonly path: string
  /** What the file has. */
  readonly columns: readonly string[]
  readonly label: string
  readonly id: string | null
  readonly split: string | null
  readonly fractions: { readonly validation: number; readonly test: number }
  readonly splitSeed: number
  /** Columns to carry along. */
  readonly keep: readonly string[]
}

/**
 * SQL that makes the table `prepared`: `id`, `label`, the columns to keep, `assigned` ('train', 'validation', 'test') and `place`, a shuffled order.
 * Rows are ranked by the hash of seed and id within their arrival (`_span`) and what their author decided, and cut at exact fractions: an arrival never changes, so a row stays in
 * its split for good, whatever comes later. Rows without a label and repeated ids are left out.
 */
export function splitSql({ path, columns, label, id, split, fractions: { validation, test }, splitSeed, keep }: SplitQuery): string {
  const has = (name: string | null): name is string => name !== null && columns.includes(name)
  const span = has('_span') ? '_span' : '0'
  const rowId = has(id) ? `CAST(${quoted(id)} AS VARCHAR)` : `format('{}-{}', ${span}, row_number() OVER ())`
  const decided = has(split)
    ? `CASE WHEN ${quoted(split)} IN ('train', 'validation', 'test') THEN CAST(${quoted(split)} AS VARCHAR) END`
    : 'NULL'
  const carried = keep.filter((name) => name !== 'id' && name !== 'label').map(quoted)
  const names = ['id', 'label', ...carried].join(', ')
  return `
    CREATE TABLE prepared AS
    WITH named AS (
      SELECT ${rowId} AS id, CAST(${quoted(label)} AS VARCHAR) AS label, ${[...carried.map((name) => `${name} AS ${name}`), ''].join(', ')}
        ${span} AS arrival, ${decided} AS decided, row_number() OVER () AS came
      FROM read_parquet(${literal(path)})
    ), unique_rows AS (
      SELECT *, md5(concat(${splitSeed}, ':', id)) AS place FROM named WHERE label IS NOT NULL QUALIFY row_number() OVER (PARTITION BY id ORDER BY arrival, came) = 1
    ), ranked AS (
      SELECT *, row_number() OVER (PARTITION BY arrival, decided ORDER BY place, id) - 1 AS rank, count(*) OVER (PARTITION BY arrival, decided) AS n FROM unique_rows
    )
    SELECT ${names}, place, CASE
      WHEN decided = 'test' OR decided = 'validation' THEN decided
      WHEN decided = 'train' THEN CASE WHEN rank < round(n * ${validation}) THEN 'validation' ELSE 'train' END
      WHEN rank < round(n * ${test}) THEN 'test'
      WHEN rank < round(n * ${test}) + round(n * ${validation}) THEN 'validation'
      ELSE 'train' END AS assigned
    FROM ranked`
}
