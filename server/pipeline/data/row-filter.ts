import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'

/** Rows whose column has this value. */
export type RowFilter = { readonly column: string; readonly value: string }

export const whereSql = ({ column, value }: RowFilter): string => `${quoted(column)}::VARCHAR = ${literal(value)}`

/** How many rows of a Parquet file a filter keeps; 0 where the file has no such column. */
export async function countRows(path: string, filter: RowFilter, folder: string): Promise<number> {
  const duck = await openDuck({ folder, files: [path], memoryMb: 512, threads: 1 })
  try {
    const columns = await duck.rows(`SELECT column_name AS name FROM (DESCRIBE SELECT * FROM read_parquet(${literal(path)}))`)
    if (!columns.some(({ name }) => name === filter.column)) return 0
    const [row] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(path)}) WHERE ${whereSql(filter)}`)
    return Number(row?.['n'] ?? 0)
  } finally {
    duck.close()
  }
}
