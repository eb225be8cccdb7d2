import { expect, test } from 'vitest'
import { read, sourceFiles } from './files.ts'

const MAX_LINES = 400
const MEDIAN_BYTES = 3 * 1024

const product = sourceFiles('shared', 'server', 'client', 'workers')

test('[HSE-4] no file is over 400 lines', () => {
  const long = [...product, ...sourceFiles('test')]
    .map((path) => ({ path, lines: read(path).split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
  expect(long).toEqual([])
})

test('[HSE-4] half of the product files are no larger than 3 KiB', () => {
  const sizes = product.map((path) => Buffer.byteLength(read(path))).sort((a, b) => a - b)
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(MEDIAN_BYTES)
})

test('[HSE-4] files are kebab-case and named after what they hold', () => {
  const name = /^(?:[a-z0-9]+[-.])*[a-z0-9]+\.tsx?$/
  const empty = /^(utils?|helpers?|common|types|misc|manager)\.tsx?$/
  const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
  expect([...product, ...sourceFiles('test')].filter((path) => !name.test(base(path)) || empty.test(base(path)))).toEqual([])
})
