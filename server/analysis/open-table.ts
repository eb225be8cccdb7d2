import { basename } from 'node:path'
import { AppError } from '../../shared/core/errors.ts'
import { type Duck, literal, openDuck, quoted } from '../datasets/duckdb.ts'
import { scanCsv } from './scan-csv.ts'
import { scanJson } from './scan-json.ts'
import { MAX_LINE_BYTES, refuse } from './scan-text.ts'

export type FileFormat = 'csv' | 'json' | 'parquet'

/** One column: its name in the file, how SQL calls it, and its DuckDB type. */
export type TableColumn = { readonly name: string; readonly id: string; readonly type: string }

/** A file as something that SQL can select from. */
export type Table = {
  readonly duck: Duck
  readonly file: string
  readonly from: string
  readonly format: FileFormat
  readonly columns: readonly TableColumn[]
  readonly rows: number
}

/** More than these are no features of one model, and their report nobody's reading. */
export const MAX_COLUMNS = 10_000
const MAX_NAME = 128

/** Looks a file over and opens it. @throws AppError invalid_input naming file, line or column, and what to do. */
export async function openTable(path: string, format: FileFormat, folder: string): Promise<Table> {
  const file = basename(path)
  const csv = format === 'csv' ? await scanCsv(path, file) : undefined
  if (csv) checkNames(file, csv.columns)
  const json = format === 'json' ? await scanJson(path, file) : undefined
  const duck = await openDuck({ folder, files: [path] })
  try {
    let from = `read_parquet(${literal(path)})`
    if (csv) {
      const names = csv.columns.map((_, at) => literal(`c${at}`)).join(', ')
      from = `read_csv(${literal(path)}, header = true, skip = 0, delim = ${literal(csv.delimiter)}, quote = '"', escape = '"', comment = '', names = [${names}], sample_size = -1, max_line_size = ${MAX_LINE_BYTES + 1024})`
    } else if (json)
      from = `read_json(${literal(path)}, format = '${json.form}', sample_size = -1, maximum_object_size = ${MAX_LINE_BYTES * 8})`
    const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`).catch(async (thrown: unknown) => {
      // DuckDB's own count of lines is off: where a row is at fault, it is named by parsing each
      if (json) await scanJson(path, file, { parse: true })
      throw unreadable(file, thrown)
    })
    const columns = described.map((row, at): TableColumn => {
      const name = String(row['column_name'])
      const type = String(row['column_type'])
      return csv ? { name: csv.columns[at] || `column${at + 1}`, id: `c${at}`, type } : { name, id: quoted(name), type }
    })
    checkNames(
      file,
      columns.map((column) => column.name),
    )
    // explicit types from here on: DuckDB need not look at the whole file again for each query
    const types = columns.map(({ id, type }) => `'${id}': ${literal(type)}`).join(', ')
    if (csv) from = from.replace(/, names = .*, sample_size = -1/, `, auto_detect = false, columns = {${types}}`)
    const counted = csv?.rows ?? json?.rows
    const rows = counted ?? Number((await duck.rows(`SELECT count(*)::DOUBLE AS n FROM ${from}`))[0]?.['n'])
    if (rows === 0) throw refuse(file, 'row 1', 'the file has no rows')
    return { duck, file, from, format, columns, rows }
  } catch (thrown) {
    duck.close()
    throw thrown
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
