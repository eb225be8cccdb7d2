import { createReadStream } from 'node:fs'
import { MAX_LINE_BYTES, refuse } from './scan-text.ts'

export type JsonShape = { readonly form: 'array' | 'auto'; readonly rows: number }

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COMMA, LF] = [34, 92, 123, 125, 91, 93, 44, 10]
const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)

/**
 * Rows of a JSON file: an array of objects, or objects one after the other. Looks at the outline only, in bounded memory; with `parse` each row is parsed too, to
 * say which one is no JSON.
 * @throws AppError invalid_input naming row and line of what is no object, is too long, is never closed, holds a NUL byte, or is not UTF8.
 */
export async function scanJson(path: string, file: string, { parse = false } = {}): Promise<JsonShape> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let form: JsonShape['form'] | undefined
  let [rows, depth, line, length, started] = [0, 0, 1, 0, 1]
  let [quoted, escaped, ended] = [false, false, false]
  let row: number[] = []
  const here = (): string => `row ${rows + (depth > 0 ? 0 : 1)}, line ${line}`

  const endRow = (): void => {
    if (!parse) return
    try {
      JSON.parse(Buffer.from(row).toString())
    } catch (thrown) {
      throw refuse(file, `row ${rows}, line ${started}`, `is no valid JSON (${thrown instanceof Error ? thrown.message : ''}): correct it`)
    }
    row = []
  }
  /** Outside of every row. */
  const between = (byte: number): void => {
    if (isSpace(byte)) return
    if (form === undefined) {
      form = byte === OPEN_LIST ? 'array' : 'auto'
      if (byte === OPEN_LIST) return
    }
    if (ended) throw refuse(file, here(), 'something follows the end of the array: remove it')
    if (byte === COMMA && form === 'array') return
    if (byte === CLOSE_LIST && form === 'array') {
      ended = true
      return
    }
    if (byte !== OPEN) throw refuse(file, here(), 'is no object: each row must be like {"column": value}')
    rows++
    depth = 1
    length = 0
    started = line
    if (parse) row.push(byte)
  }
  const within = (byte: number): void => {
    if (++length > MAX_LINE_BYTES)
      throw refuse(file, `row ${rows}, line ${started}`, `longer than ${MAX_LINE_BYTES} bytes: is it never closed? Split it into rows`)
    if (parse) row.push(byte)
    if (escaped) escaped = false
    else if (quoted) {
      if (byte === BACKSLASH) escaped = true
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (byte === OPEN || byte === OPEN_LIST) depth++
    else if ((byte === CLOSE || byte === CLOSE_LIST) && --depth === 0) endRow()
  }

  let first = true
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    try {
      decoder.decode(chunk, { stream: true })
    } catch (cause) {
      throw refuse(file, `after line ${line}`, 'is not UTF8: save the file with that encoding', cause)
    }
    const bytes = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk
    first = false
    for (const byte of bytes) {
      if (byte === LF) line++
      if (byte === 0) throw refuse(file, here(), 'holds a NUL byte: it is not plain text; export it again as UTF8')
      if (depth === 0) between(byte)
      else within(byte)
    }
  }
  if (depth > 0) throw refuse(file, `row ${rows}, line ${started}`, 'is never closed: the file ends within it')
  if (form === 'array' && !ended) throw refuse(file, `row ${rows}, line ${line}`, 'the array is never closed: the file ends within it')
  if (rows === 0) throw refuse(file, 'line 1', 'there are no rows: it needs objects, one a line or in an array')
  return { form: form ?? 'auto', rows }
}
