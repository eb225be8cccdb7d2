import { AppError, type Issue } from '../../shared/core/errors.ts'
import { lineBlocks, MAX_LINE_BYTES, refuse, tooLong } from './scan-text.ts'

export type CsvShape = { readonly delimiter: string; readonly columns: readonly string[]; readonly rows: number }

const DELIMITERS = [',', ';', '\t', '|']
const QUOTE = 34
const LF = 10
const CR = 13
const SHOWN_ISSUES = 10

const START = 0
const PLAIN = 1
const QUOTED = 2
const CLOSED = 3

/**
 * Delimiter, names and number of rows of a CSV file with a header line. DuckDB guesses these, and where rows are ragged it guesses a table with other columns or
 * fewer rows in silence; this looks at every record first.
 * @throws AppError invalid_input naming each line (ten at most) whose number of fields differs from the header's, quotes that do not match, and what `lineBlocks` refuses.
 */
export async function scanCsv(path: string, file: string): Promise<CsvShape> {
  let scan: ReturnType<typeof startScan> | undefined
  let head: Buffer = Buffer.alloc(0)
  for await (const { bytes } of lineBlocks(path, file)) {
    if (scan) {
      scan.add(bytes)
      continue
    }
    head = Buffer.concat([head, bytes])
    const header = headerOf(head)
    if (header === undefined && head.length > MAX_LINE_BYTES) throw tooLong(file, 1)
    if (header === undefined) continue
    scan = startScan(file, header)
    scan.add(head)
    head = Buffer.alloc(0)
  }
  if (!scan) {
    if (head.length === 0) throw refuse(file, 'line 1', 'the file is empty: it needs a header line and rows')
    scan = startScan(file, head.toString())
    scan.add(head)
  }
  return scan.finish()
}

/** The first record without its line end; undefined where its end is not there yet. */
function headerOf(head: Buffer): string | undefined {
  let quoted = false
  for (let at = 0; at < head.length; at++) {
    if (head[at] === QUOTE) quoted = !quoted
    else if (head[at] === LF && !quoted) return head.subarray(0, at).toString()
  }
  return undefined
}

/** Fields of a record whose quotes match. */
function fieldsOf(record: string, delimiter: string): string[] {
  const fields: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < record.length; at++) {
    const char = record[at] ?? ''
    if (char === '"' && quoted && record[at + 1] === '"') {
      field += char
      at++
    } else if (char === '"' && (quoted || field === '')) quoted = !quoted
    else if (char === delimiter && !quoted) {
      fields.push(field)
      field = ''
    } else field += char
  }
  return [...fields, field]
}

function startScan(file: string, head: string) {
  const header = head.replace(/\r$/, '')
  if (/\r/.test(header.replaceAll('\r\n', '\n'))) throw refuse(file, 'line 1', 'lines end with CR alone: save the file with LF line ends')
  const delimiter = DELIMITERS.reduce((best, each) => (fieldsOf(header, each).length > fieldsOf(header, best).length ? each : best))
  const columns = fieldsOf(header, delimiter)
  const cut = delimiter.charCodeAt(0)
  const issues: Issue[] = []
  let ragged = 0
  let state = START
  let line = 1
  let started = 1
  let fields = 1
  let length = 0
  let records = 0

  const endRecord = (): void => {
    // a blank line is no row, except where it is the empty value of the only column
    if (length > 0 || columns.length === 1) {
      records++
      if (fields !== columns.length) {
        ragged++
        const what = `${fields} ${fields === 1 ? 'field' : 'fields'} where the header has ${columns.length}: add what is missing, or quote texts that hold "${delimiter}"`
        if (issues.length < SHOWN_ISSUES) issues.push({ where: `${file}, line ${started}`, what })
      }
    }
    fields = 1
    length = 0
    state = START
  }

  return {
    add(bytes: Buffer): void {
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at] as number
        if (byte === LF) {
          line++
          if (state !== QUOTED) {
            endRecord()
            started = line
            continue
          }
        }
        if (byte !== CR) length++
        else if (state !== QUOTED && at + 1 < bytes.length && bytes[at + 1] !== LF)
          throw refuse(file, `line ${line}`, 'holds a CR in the middle: save the file with LF line ends, or quote the text')
        if (length > MAX_LINE_BYTES) throw tooLong(file, started)
        if (state === PLAIN) {
          if (byte !== cut) continue
        } else if (state === QUOTED) {
          if (byte === QUOTE) state = CLOSED
          continue
        } else if (byte === QUOTE) {
          state = QUOTED
          continue
        } else if (byte !== cut) {
          if (byte === CR) continue
          if (state === CLOSED)
            throw refuse(file, `line ${line}`, `text follows a closing quote in field ${fields}: write a quote inside a quoted text twice`)
          state = PLAIN
          continue
        }
        fields++
        state = START
      }
    },
    finish(): CsvShape {
      if (state === QUOTED)
        throw refuse(
          file,
          `line ${started}`,
          `the quote in field ${fields} is never closed: close it, or double a quote that is meant as text`,
        )
      if (length > 0) endRecord()
      if (ragged > 0)
        throw new AppError(
          'invalid_input',
          `${file} has ${ragged} ${ragged === 1 ? 'row' : 'rows'} with more or fewer fields than its header (delimiter ${JSON.stringify(delimiter)})`,
          { issues },
        )
      if (records < 2) throw refuse(file, 'line 2', 'there is a header line but not one row')
      return { delimiter, columns, rows: records - 1 }
    },
  }
}
