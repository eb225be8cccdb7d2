import type { DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api'
import { AppError } from '../../../shared/core/errors.ts'
import type { Batch, Column, ImageColumn, Scalar } from '../../../shared/data/columns.ts'
import { type DuckLane, duckLibrary } from '../../datasets/duckdb.ts'
import type { ExampleForm } from './example-form.ts'

function imageColumn(chunk: DuckDBDataChunk, at: number, form: Extract<ExampleForm, { kind: 'image' }>): ImageColumn {
  const { height, width, channels } = form
  const size = height * width * channels
  const pixels = new Uint8Array(chunk.rowCount * size)
  const vector = chunk.getColumnVector(at)
  const { DuckDBBlobValue } = duckLibrary()
  for (let row = 0; row < chunk.rowCount; row++) {
    const value = vector.getItem(row)
    if (!(value instanceof DuckDBBlobValue)) throw new AppError('invalid_input', `column ${form.column} must hold bytes in every row`)
    if (value.bytes.length !== size)
      throw new AppError(
        'shape_mismatch',
        `column ${form.column} has a row of ${value.bytes.length} bytes where ${height}x${width}x${channels} needs ${size}`,
      )
    pixels.set(value.bytes, row * size)
  }
  return { kind: 'images', height, width, channels, pixels }
}

const scalarColumn = (chunk: DuckDBDataChunk, at: number): Column =>
  chunk
    .convertColumnValues(at, duckLibrary().JSDuckDBValueConverter)
    .map(
      (value): Scalar =>
        Array.isArray(value) || (typeof value === 'object' && value !== null && !(value instanceof Date) && !(value instanceof Uint8Array))
          ? JSON.stringify(value)
          : (value as Scalar),
    )

function batchOf(result: DuckDBResult, chunk: DuckDBDataChunk, form: ExampleForm | undefined): Batch {
  const columns = result
    .columnNames()
    .map((name, at): [string, Column] => [
      name,
      form?.kind === 'image' && form.column === name ? imageColumn(chunk, at, form) : scalarColumn(chunk, at),
    ])
  return Object.fromEntries(columns)
}

/** The rows of a query, some thousand at a time, so that memory stays flat. With an image form its column comes as images. */
export async function* readBatches(
  duck: DuckLane,
  sql: string,
  form?: ExampleForm,
): AsyncGenerator<Batch & Readonly<Record<string, Column>>> {
  const result = await duck.busy(() => duck.connection.stream(sql))
  for (;;) {
    const chunk = await duck.busy(() => result.fetchChunk())
    if (chunk === null || chunk.rowCount === 0) return
    yield batchOf(result, chunk, form)
  }
}
