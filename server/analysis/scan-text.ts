import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { AppError } from '../../shared/core/errors.ts'

/** One line of a text file, or one record of a CSV file whose quoted texts span lines. Longer ones are no table. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024
const LF = 10
const NUL = 0

/** @returns the failure of one place in a file, as every check of a file words it. */
export const refuse = (file: string, where: string, what: string, cause?: unknown): AppError =>
  new AppError('invalid_input', `${file}, ${where}: ${what}`, { issues: [{ where: `${file}, ${where}`, what }], cause })

export const tooLong = (file: string, line: number): AppError =>
  refuse(
    file,
    `line ${line}`,
    `longer than ${MAX_LINE_BYTES} bytes: is a quote never closed, or is it one line without line ends? Split it into rows`,
  )

/**
 * Reads a text file in blocks of whole lines, in bounded memory. `line` is the number of the block's first line, from 1; a byte order mark is left out.
 * @throws AppError invalid_input naming the line where it is too long, holds a NUL byte or is not UTF8.
 */
export async function* lineBlocks(path: string, file: string): AsyncGenerator<{ bytes: Buffer; line: number }> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 1
  let first = true
  const check = (bytes: Buffer): void => {
    const nul = bytes.indexOf(NUL)
    if (nul >= 0)
      throw refuse(
        file,
        `line ${line + countLines(bytes.subarray(0, nul))}`,
        'holds a NUL byte: it is not plain text; export it again as UTF8',
      )
    if (isUtf8(bytes)) return
    throw refuse(file, `line ${line + linesBeforeFault(bytes)}`, 'is not UTF8: save the file with that encoding')
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (first && bytes.length >= 2) {
      first = false
      refuseUtf16(bytes, file)
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
    }
    const end = bytes.lastIndexOf(LF) + 1
    const whole = bytes.subarray(0, end)
    rest = bytes.subarray(end)
    if (end > 0) {
      check(whole)
      yield { bytes: whole, line }
      line += countLines(whole)
    }
    if (rest.length > MAX_LINE_BYTES) throw tooLong(file, line)
  }
  if (rest.length === 0) return
  check(rest)
  yield { bytes: rest, line }
}

function refuseUtf16(bytes: Buffer, file: string): void {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw refuse(file, 'line 1', 'begins like UTF16: save the file as UTF8')
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++
  return count
}

function linesBeforeFault(bytes: Buffer): number {
  let count = 0
  for (let start = 0; start < bytes.length; count++) {
    const found = bytes.indexOf(LF, start)
    const end = found < 0 ? bytes.length : found + 1
    if (!isUtf8(bytes.subarray(start, end))) return count
    start = end
  }
  return count
}
