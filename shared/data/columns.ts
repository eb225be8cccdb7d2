import { assert } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'

/** One value of a row, as DuckDB, JSON and CSV readers give them. A boolean is the text true or false. */
export type Scalar = number | bigint | string | boolean | Date | Uint8Array | null | undefined

/** Images of one size, one after the other: row-major, channels interleaved, one byte a channel. */
export type ImageColumn = {
  readonly kind: 'images'
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly pixels: Uint8Array
}

/** Lists of values, one a row. */
export type ListColumn = { readonly kind: 'lists'; readonly lists: readonly (readonly Scalar[] | null | undefined)[] }

export type Column = readonly Scalar[] | Float64Array | Float32Array | Int32Array | Uint8Array | ImageColumn

/** Some rows of a data set, column by column; every column has the same length. */
export type Batch = Readonly<Record<string, Column>>

export const isImageColumn = (column: Column | ListColumn): column is ImageColumn => 'kind' in column && column.kind === 'images'

export const isListColumn = (column: Column | ListColumn): column is ListColumn => 'kind' in column && column.kind === 'lists'

export function columnLength(column: Column | ListColumn): number {
  if (isListColumn(column)) return column.lists.length
  if (!isImageColumn(column)) return column.length
  const size = column.height * column.width * column.channels
  assert(size > 0 && column.pixels.length % size === 0, 'an image column holds whole images')
  return column.pixels.length / size
}

/** The pixels of one image, shared with the column. */
export function imageAt(column: ImageColumn, row: number): Uint8Array {
  const size = column.height * column.width * column.channels
  return column.pixels.subarray(row * size, (row + 1) * size)
}

/** Rows in the batch. @throws AppError invalid_input where columns have different lengths. */
export function batchLength(batch: Readonly<Record<string, Column | ListColumn>>): number {
  let length: number | undefined
  for (const [name, column] of Object.entries(batch)) {
    const mine = columnLength(column)
    length ??= mine
    if (mine !== length) throw new AppError('invalid_input', `column ${name} has ${mine} rows where the others have ${length}`)
  }
  return length ?? 0
}

/** Rows as columns; what a row lacks is undefined. */
export function columnsOf(rows: readonly Readonly<Record<string, Scalar>>[]): Batch {
  const columns = new Map<string, Scalar[]>()
  for (const [at, row] of rows.entries()) {
    for (const [name, value] of Object.entries(row)) {
      let column = columns.get(name)
      if (column === undefined) {
        column = new Array<Scalar>(rows.length).fill(undefined)
        columns.set(name, column)
      }
      column[at] = value
    }
  }
  return Object.fromEntries(columns)
}
