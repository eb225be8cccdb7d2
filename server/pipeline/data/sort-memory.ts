import { GROUP_ROWS, literal, openDuck, quoted } from '../../datasets/duckdb.ts'

/** A group is put together in memory. Where it has more bytes than this, several of them and the sorting's own blocks need the larger memory. */
const LARGE_GROUP = 16_000_000

/** What a value takes, in bytes, while it is sorted. */
function bytesSql(name: string, type: string): string {
  if (type === 'VARCHAR') return `coalesce(strlen(${quoted(name)}), 0) + 16`
  if (type === 'BLOB') return `coalesce(octet_length(${quoted(name)}), 0) + 16`
  return /[([]/.test(type) && !type.startsWith('DECIMAL') ? `coalesce(strlen(${quoted(name)}::VARCHAR), 0) + 16` : '8'
}

/** Memory for sorting the rows of a Parquet file and writing them again, in MB, judged by its first group; what does not fit goes to DuckDB's folder, however many rows there are. */
export async function sortMemoryMb(path: string, folder: string): Promise<512 | 1024> {
  const duck = await openDuck({ folder, files: [path], threads: 1 })
  try {
    const from = `read_parquet(${literal(path)})`
    const columns = await duck.rows(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM ${from})`)
    const bytes = columns.map(({ name, type }) => bytesSql(String(name), String(type))).join(' + ')
    const [row] = await duck.rows(`SELECT avg(${bytes})::DOUBLE AS bytes FROM (SELECT * FROM ${from} LIMIT ${GROUP_ROWS})`)
    return Number(row?.['bytes'] ?? 0) * GROUP_ROWS > LARGE_GROUP ? 1024 : 512
  } finally {
    duck.close()
  }
}
