import { basename, join } from 'node:path'
import { AppError } from '../../shared/core/errors.ts'
import { type Duck, literal, openDuck, PARQUET_OPTIONS, quoted } from '../datasets/duckdb.ts'
import { rowsToParquet } from '../datasets/sources/rows-to-parquet.ts'
import { openSqliteSource } from '../storage/source-sqlite.ts'
import { scanCsv } from './scan-csv.ts'
import { scanJson } from './scan-json.ts'
import { MAX_LINE_BYTES, refuse } from './scan-text.ts'

export type FileFormat = 'csv' | 'json' | 'parquet' | 'sqlite'

/** One column: its name in the file, how SQL calls it, and its DuckDB type. */
export type TableColumn = { readonly name: string; readonly id: string; readonly type: string }

/** A file as something that SQL can select from. */
export type Table = {
  readonly duck: Duck
  readonly file: string
  /** The rows as Parquet. */
  readonly path: string
  readonly from: string
  readonly format: FileFormat
  readonly columns: readonly TableColumn[]
  readonly rows: number
}

/** More than these are no features of one model, and their report nobody's reading. */
export const MAX_COLUMNS = 10_000
const MAX_NAME = 128

/**
 * Looks a file over and opens it. What is not Parquet becomes a Parquet file in `folder` first. `table`: which one of a SQLite file that has several.
 * @throws AppError invalid_input naming file, line or column, and what to do.
 */
export async function openTable(path: string, format: FileFormat, folder: string, file = basename(path), table?: string): Promise<Table> {
  if (table !== undefined && format !== 'sqlite')
    throw new AppError('invalid_input', `${file} is one table: only a SQLite file has several`)
  const found = await asParquet(path, file, format, folder, table)
  const duck = await openDuck({ folder, files: [found.path], threads: 1 })
  try {
    const from = `read_parquet(${literal(found.path)})`
    const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`).catch((thrown: unknown) => {
      throw unreadable(file, thrown)
    })
    const columns = described.map((row, at): TableColumn => {
      const id = String(row['column_name'])
      return { name: found.names?.[at] ?? id, id: quoted(id), type: found.json.has(id) ? 'JSON' : String(row['column_type']) }
    })
    checkNames(
      file,
      columns.map((column) => column.name),
    )
    const counted = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM ${from}`).catch((thrown: unknown) => {
      throw unreadable(file, thrown)
    })
    const rows = Number(counted[0]?.['n'])
    if (rows === 0) throw refuse(file, 'row 1', 'the file has no rows')
    // blank lines of a single column are rows to one and none to the other
    if (found.rows !== undefined && found.rows !== rows && columns.length > 1)
      throw new AppError(
        'invalid_input',
        `${file} has ${found.rows} rows, but only ${rows} could be read: look for stray line ends and quotes`,
      )
    return { duck, file, path: found.path, from, format, columns, rows }
  } catch (thrown) {
    duck.close()
    throw thrown
  }
}

type AsParquet = {
  readonly path: string
  /** What the columns are called in the file, where that is not their name in Parquet. */
  readonly names: readonly string[] | undefined
  /** Columns of values that do not agree in type, as JSON text. */
  readonly json: ReadonlySet<string>
  readonly rows: number | undefined
}

function asParquet(path: string, file: string, format: FileFormat, folder: string, table: string | undefined): Promise<AsParquet> {
  if (format === 'sqlite') return sqliteToParquet(path, file, folder, table)
  if (format !== 'parquet') return textToParquet(path, file, format, folder)
  return Promise.resolve({ path, names: undefined, json: new Set(), rows: undefined })
}

async function sqliteToParquet(path: string, file: string, folder: string, table: string | undefined): Promise<AsParquet> {
  const source = openSqliteSource(path, file, { table })
  try {
    checkNames(
      file,
      source.columns.map(({ name }) => name),
    )
    const to = join(folder, 'table.parquet')
    const rows = await rowsToParquet(source, to, folder)
    return { path: to, names: undefined, json: new Set(), rows }
  } finally {
    source.close()
  }
}

async function textToParquet(path: string, file: string, format: 'csv' | 'json', folder: string): Promise<AsParquet> {
  const csv = format === 'csv' ? await scanCsv(path, file) : undefined
  if (csv) checkNames(file, csv.columns)
  const json = format === 'json' ? await scanJson(path, file) : undefined
  const duck = await openDuck({ folder, files: [path] })
  try {
    let from = ''
    if (csv) {
      const names = csv.columns.map((_, at) => literal(`c${at}`)).join(', ')
      from = `read_csv(${literal(path)}, header = true, skip = 0, delim = ${literal(csv.delimiter)}, quote = '"', escape = '"', comment = '', names = [${names}], sample_size = -1, max_line_size = ${MAX_LINE_BYTES + 1024})`
    } else from = `read_json(${literal(path)}, format = '${json?.form}', sample_size = -1, maximum_object_size = ${MAX_LINE_BYTES * 8})`
    const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`)
    const columns = described.map((row) => ({ id: String(row['column_name']), type: String(row['column_type']) }))
    checkNames(file, csv ? csv.columns : columns.map(({ id }) => id))
    // explicit types from here on: DuckDB need not look at the whole file again
    const types = columns.map(({ id, type }) => `'${id}': ${literal(type)}`).join(', ')
    if (csv) from = from.replace(/, names = .*, sample_size = -1/, () => `, auto_detect = false, columns = {${types}}`)
    const to = join(folder, 'table.parquet')
    await duck.run(`COPY (SELECT * FROM ${from}) TO ${literal(to)} ${PARQUET_OPTIONS}`)
    return {
      path: to,
      names: csv?.columns.map((name, at) => name || `column${at + 1}`),
      json: new Set(columns.filter(({ type }) => type === 'JSON').map(({ id }) => id)),
      rows: csv?.rows ?? json?.rows,
    }
  } catch (thrown) {
    // DuckDB's own count of lines is off: where a row is at fault, it is named by parsing each
    if (json) await scanJson(path, file, { parse: true })
    throw unreadable(file, thrown)
  } finally {
    duck.close()
  }
}

/** A failure of DuckDB over a file: its own first words say the place. */
export function unreadable(file: string, thrown: unknown): AppError {
  if (thrown instanceof AppError && thrown.code !== 'invalid_input') return thrown
  const message = thrown instanceof AppError ? thrown.detail : thrown instanceof Error ? thrown.message : String(thrown)
  const first = message
    .split(/\n\n|\nLINE \d/)[0]
    ?.replace(/^[A-Z][A-Za-z ]* Error: /, '')
    .replace(/ in file ("[^"]*"|'[^']*')/, '')
    .replace(/\s+/g, ' ')
    .slice(0, 300)
  return new AppError('invalid_input', `${file} cannot be read: ${first ?? ''}`, { cause: thrown })
}

function checkNames(file: string, names: readonly string[]): void {
  if (names.length > MAX_COLUMNS)
    throw refuse(
      file,
      'line 1',
      `has ${names.length} columns where at most ${MAX_COLUMNS} are analysed: select those that matter, or store them as one image or list`,
    )
  const seen = new Map<string, number>()
  for (const [at, name] of names.entries()) {
    const before = seen.get(name)
    if (name !== '' && before !== undefined)
      throw refuse(file, `column ${at + 1}`, `is named ${JSON.stringify(name.slice(0, 60))} as column ${before + 1} is: rename one of them`)
    if (name.length > MAX_NAME)
      throw refuse(
        file,
        `column ${at + 1}`,
        `its name ${JSON.stringify(`${name.slice(0, 40)}…`)} has ${name.length} characters where ${MAX_NAME} are allowed: shorten it`,
      )
    seen.set(name, at)
  }
}
