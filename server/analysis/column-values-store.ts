import { literal } from '../datasets/duckdb.ts'
import { countedColumn } from './counted-column.ts'
import { type Table, type TableColumn, unreadable } from './open-table.ts'

/** Rows of a side beyond which a sample of them is compared: a test of more finds what nobody minds. */
const SAMPLED = 20_000

/** Rows chosen by their place, so that the same file gives the same ones. */
const someRows = ({ path, rows }: Table): string => {
  const all = `read_parquet(${literal(path)}, file_row_number = true)`
  return rows <= SAMPLED ? all : `(SELECT * FROM ${all} ORDER BY hash(file_row_number), file_row_number LIMIT ${SAMPLED})`
}

async function* chunks(table: Table, sql: string): AsyncGenerator<readonly unknown[]> {
  try {
    const result = await table.duck.connection.stream(sql)
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return
      yield chunk.getColumnValues(0)
    }
  } catch (thrown) {
    throw unreadable(table.file, thrown)
  }
}

const numberSql = (column: TableColumn): string => `(${countedColumn(column).sql})::DOUBLE`

/** Finite numbers of some rows. */
export async function sampledNumbers(table: Table, column: TableColumn): Promise<Float64Array> {
  const parts: number[] = []
  for await (const values of chunks(table, `SELECT ${numberSql(column)} AS v FROM ${someRows(table)} WHERE isfinite(${numberSql(column)})`))
    for (const value of values) parts.push(value as number)
  return Float64Array.from(parts)
}

/** How often each value stands in some rows. */
export async function sampledCounts(table: Table, column: TableColumn): Promise<Map<string, number>> {
  const { sql } = countedColumn(column)
  const found = await table.duck
    .rows(`SELECT (${sql})::VARCHAR AS v, count(*)::DOUBLE AS n FROM ${someRows(table)} WHERE ${column.id} IS NOT NULL GROUP BY 1`)
    .catch((thrown: unknown) => {
      throw unreadable(table.file, thrown)
    })
  return new Map(found.map((row) => [String(row['v']), Number(row['n'])]))
}

/** Every number in the order of the rows, some thousand at a time; null where there is none. */
export async function* numbersInOrder(table: Table, column: TableColumn): AsyncGenerator<readonly (number | null)[]> {
  for await (const values of chunks(table, `SELECT ${numberSql(column)} AS v FROM ${table.from}`))
    yield values as readonly (number | null)[]
}
