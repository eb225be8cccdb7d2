import { literal, quoted } from '../../datasets/duckdb.ts'
import { methodColumn, type SplitMethod } from './split-method.ts'

export type SplitQuery = {
  readonly path: string
  /** What the file has. */
  readonly columns: readonly string[]
  readonly label: string
  readonly id: string | null
  readonly split: string | null
  readonly fractions: { readonly validation: number; readonly test: number }
  readonly splitSeed: number
  readonly method: SplitMethod
}

/**
 * Of some rows in order, those whose number (from 0) is below `wanted` of `all`; or that many at even distances, so that each stretch of equal rows gives its share. Whole
 * numbers throughout: exact.
 */
const first = (number: string, wanted: string): string => `${number} < ${wanted}`
const evenly = (number: string, wanted: string, all: string): string =>
  `(${number} + 1) * (${wanted}) // (${all}) > ${number} * (${wanted}) // (${all})`

const BY_AUTHOR = `WHEN decided IN ('test', 'validation') THEN decided`

/**
 * How many rows an arrival gives to the parts; of those whom the author has put into train, none goes to the test. Reckoned once for an arrival and not for each of its rows:
 * decimals cost more there than the ranking does.
 */
const wantedSql = ({ fractions: { validation, test } }: SplitQuery): string => `wanted AS (
      SELECT arrival, decided, count(*) AS n, CASE WHEN decided = 'train' THEN 0 ELSE round(count(*) * ${test})::BIGINT END AS tests,
        round(count(*) * ${validation})::BIGINT AS validations FROM unique_rows GROUP BY arrival, decided
    )`
/** An arrival, or what the author decided, may be NULL. */
const WITH_WANTED = `JOIN (SELECT arrival AS of, decided AS how, n, tests, validations FROM wanted) ON arrival IS NOT DISTINCT FROM of AND decided IS NOT DISTINCT FROM how`

function randomSql(query: SplitQuery): string {
  return `${wantedSql(query)}, ranked AS (
      SELECT *, row_number() OVER (PARTITION BY arrival, decided ORDER BY place, line) - 1 AS rank FROM unique_rows
    ) SELECT line, id, place, CASE ${BY_AUTHOR} WHEN ${first('rank', 'tests')} THEN 'test' WHEN ${first('rank', 'tests + validations')} THEN 'validation' ELSE 'train' END AS part
      FROM (SELECT * FROM ranked ${WITH_WANTED})`
}

function stratifiedSql(query: SplitQuery): string {
  const parts = 'PARTITION BY arrival, decided'
  return `${wantedSql(query)}, ranked AS (
      SELECT *, row_number() OVER (${parts} ORDER BY chosen_by, place, line) - 1 AS rank FROM unique_rows
    ), tested AS (
      SELECT *, coalesce(decided = 'test', ${evenly('rank', 'tests', 'n')}) AS is_test FROM (SELECT * FROM ranked ${WITH_WANTED})
    ), rest AS (
      SELECT *, row_number() OVER (${parts}, is_test ORDER BY chosen_by, place, line) - 1 AS nth FROM tested
    ) SELECT line, id, place, CASE ${BY_AUTHOR} WHEN is_test THEN 'test' WHEN ${evenly('nth', 'validations', 'n - tests')} THEN 'validation' ELSE 'train' END AS part FROM rest`
}

const timeSql = ({ fractions: { validation, test } }: SplitQuery): string => `wanted AS (
      SELECT round(count(*) * ${test}) AS tests, round(count(*) * ${validation}) AS validations FROM unique_rows
    ), ranked AS (
      SELECT *, row_number() OVER (ORDER BY chosen_by DESC, place, line) - 1 AS rank FROM unique_rows
    ) SELECT line, id, place, CASE WHEN ${first('rank', 'tests')} THEN 'test' WHEN ${first('rank', 'tests + validations')} THEN 'validation' ELSE 'train' END AS part FROM ranked, wanted`

/** An entity belongs to the arrival that it first came with, and weighs as many rows as came then: what comes later moves nothing. */
const entitySql = ({ fractions: { validation, test }, splitSeed }: SplitQuery): string => `entities AS (
      SELECT chosen_by, arrival, count(*) AS size FROM unique_rows GROUP BY chosen_by, arrival QUALIFY row_number() OVER (PARTITION BY chosen_by ORDER BY arrival) = 1
    ), filled AS (
      SELECT *, sum(size) OVER (PARTITION BY arrival ORDER BY md5_number_lower(concat(${splitSeed}, ':', chosen_by)), chosen_by) - size / 2 AS middle,
        sum(size) OVER (PARTITION BY arrival) AS n FROM entities
    ), parts AS (
      SELECT chosen_by, CASE WHEN middle < n * ${test} THEN 'test' WHEN middle < n * ${test} + n * ${validation} THEN 'validation' ELSE 'train' END AS part FROM filled
    ) SELECT line, id, place, part FROM unique_rows JOIN parts USING (chosen_by)`

const ASSIGN = { random: randomSql, stratified: stratifiedSql, time: timeSql, entity: entitySql } as const

/**
 * SQL that makes the table `assigned`: `line` (the row's number in the file), `id`, `part` ('train', 'validation', 'test') and `place`, a shuffled order. Rows are cut at exact
 * fractions. Those without a label, or without what the method goes by, and repeated ids are left out. Narrow: the other columns join it at the end, so that millions of rows
 * are ranked in little memory.
 */
export function splitSql(query: SplitQuery): string {
  const { path, columns, label, id, split, splitSeed, method } = query
  const has = (name: string | null): name is string => name !== null && columns.includes(name)
  const span = has('_span') ? '_span' : '0'
  const rowId = has(id)
    ? `CAST(${quoted(id)} AS VARCHAR)`
    : `format('{}-{}', ${span}, row_number() OVER (PARTITION BY ${span} ORDER BY file_row_number))`
  const heeded = method.by === 'random' || method.by === 'stratified'
  const decided =
    heeded && has(split)
      ? `CASE WHEN ${quoted(split)} IN ('train', 'validation', 'test') THEN CAST(${quoted(split)} AS VARCHAR) END`
      : 'NULL::VARCHAR'
  const by = method.by === 'random' ? 'NULL' : quoted(methodColumn(method) ?? label)
  const chosenBy = method.by === 'entity' ? `CAST(${by} AS VARCHAR)` : by
  return `
    CREATE TABLE assigned AS
    WITH named AS (
      SELECT file_row_number AS line, ${rowId} AS id, ${span} AS arrival, ${decided} AS decided, ${chosenBy} AS chosen_by
      FROM read_parquet(${literal(path)}, file_row_number = true) WHERE ${quoted(label)} IS NOT NULL
    ), unique_rows AS MATERIALIZED (
      SELECT *, md5_number_lower(concat(${splitSeed}, ':', id)) AS place FROM named
      ${method.by === 'random' || method.by === 'stratified' ? '' : 'WHERE chosen_by IS NOT NULL'}
      QUALIFY row_number() OVER (PARTITION BY id ORDER BY arrival, line) = 1
    ), ${ASSIGN[method.by](query)}`
}

/** SQL that reads one part with the columns to keep, in the shuffled order: any first rows are a fair sample. */
export function partSql({ path, label }: Pick<SplitQuery, 'path' | 'label'>, part: string, keep: readonly string[]): string {
  const carried = keep.filter((name) => name !== 'id' && name !== 'label').map((name) => `"rows".${quoted(name)}`)
  return `SELECT ${['assigned.id AS id', `CAST("rows".${quoted(label)} AS VARCHAR) AS label`, ...carried].join(', ')}
    FROM read_parquet(${literal(path)}, file_row_number = true) AS "rows" JOIN assigned ON "rows".file_row_number = assigned.line
    WHERE assigned.part = ${literal(part)} ORDER BY assigned.place, assigned.line`
}
