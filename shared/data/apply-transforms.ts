import { must } from '../core/assert.ts'
import { utf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { DATE_PARTS, datePart } from './civil-date.ts'
import { type Batch, batchLength, type Column, isImageColumn, type Scalar } from './columns.ts'
import { cosineOfTurn, exactLog, sineOfTurn } from './exact-math.ts'
import { murmur3 } from './murmur3.ts'
import { categoryOf, numberOf, textOf, timeOf } from './scalar-value.ts'
import { scaleImages } from './scale-images.ts'
import { ngramsOf } from './text-units.ts'
import { type FrozenOf, type FrozenTransform, inputsOf, rowWidth, transformWidth } from './transforms.ts'

const MAX_FLOAT32 = 3.4028234663852886e38

/** Where the values of one row go: `out[at]` is the first. All is 0 beforehand. */
type Put = (row: number, out: Float32Array, at: number) => void
type Values = ArrayLike<Scalar>

/**
 * Model inputs of a batch, row after row, each row the transforms' outputs in order (see rowWidth).
 * The same to the bit on every engine: only additions, subtractions, products and quotients of doubles, which IEEE 754 rounds one way, whole numbers, and one rounding
 * to float32 when a value is stored. Texts are split and folded by tables of our own (text-units.ts).
 * @throws AppError invalid_input where a column is not there or holds what the transform cannot take, naming it; shape_mismatch where images have another size.
 */
export function applyTransforms(transforms: readonly FrozenTransform[], batch: Batch): Float32Array<ArrayBuffer> {
  const rows = batchLength(batch)
  const stride = rowWidth(transforms)
  const output = new Float32Array(rows * stride)
  let offset = 0
  for (const transform of transforms) {
    const columns = inputsOf(transform).map((name) => {
      if (Object.hasOwn(batch, name)) return must(batch[name], name)
      throw new AppError('invalid_input', `the input ${name} is not there; send one value for each row`, {
        issues: [{ where: name, what: 'is missing' }],
      })
    })
    if (transform.kind === 'image-scale') scaleImages(transform, must(columns[0], transform.input), { output, offset, stride, rows })
    else {
      const put = putOf(
        transform,
        columns.map((column, i) => scalars(transform, inputsOf(transform)[i] ?? '', column)),
      )
      for (let row = 0; row < rows; row++) put(row, output, row * stride + offset)
    }
    offset += transformWidth(transform)
  }
  return output
}

function scalars({ kind }: FrozenTransform, input: string, column: Column): Values {
  if (isImageColumn(column)) throw new AppError('invalid_input', `the input ${input} holds images where ${kind} takes single values`)
  return column
}

function putOf(transform: Exclude<FrozenTransform, FrozenOf<'image-scale'>>, columns: readonly Values[]): Put {
  const values = must(columns[0], 'a column')
  const input = must(inputsOf(transform)[0], 'an input')
  const numbers =
    (missing: number, map: (x: number) => number): Put =>
    (row, out, at) => {
      const x = numberOf(values[row], { input, row })
      out[at] = Number.isNaN(x) ? missing : Math.max(-MAX_FLOAT32, Math.min(MAX_FLOAT32, map(x)))
    }
  /** Puts a 1 at the place of a value, where it has one. */
  const one =
    <T>(read: (value: Scalar, place: { input: string; row: number }) => T, place: (value: T) => number | undefined): Put =>
    (row, out, at) => {
      const index = place(read(values[row], { input, row }))
      if (index !== undefined) out[at + index] = 1
    }
  switch (transform.kind) {
    case 'standardize':
      return numbers(transform.missing, (x) => (x - transform.mean) / transform.deviation)
    case 'min-max':
      return numbers(transform.missing, (x) => Math.max(0, Math.min(1, (x - transform.min) / transform.range)))
    case 'passthrough':
      return numbers(transform.missing, (x) => x)
    case 'log': {
      const { offset, least, mean, deviation, missing } = transform
      return numbers(missing, (x) => (exactLog(Math.max(least, Math.min(Number.MAX_VALUE, x + offset))) - mean) / deviation)
    }
    case 'buckets':
      return one(numberOf, (x) => (Number.isNaN(x) ? undefined : bucketOf(x, transform.boundaries)))
    case 'one-hot': {
      const place = placeOf(transform.values, transform.unknown ?? 1)
      const last = transformWidth(transform) - 1
      return one(categoryOf, (value) => (value === undefined ? last : place(value)))
    }
    case 'vocabulary': {
      const place = placeOf(transform.values, transform.unknown)
      return (row, out, at) => {
        const value = categoryOf(values[row], { input, row })
        if (value !== undefined) out[at] = 1 + place(value)
      }
    }
    case 'hash':
      return one(categoryOf, (value) => (value === undefined ? undefined : murmur3(utf8(value), transform.seed) % transform.buckets))
    case 'cross':
      return (row, out, at) => {
        let hash = transform.seed
        for (const [i, name] of transform.inputs.entries())
          hash = murmur3(utf8(categoryOf(must(columns[i], name)[row], { input: name, row }) ?? ''), hash)
        out[at + (hash % transform.buckets)] = 1
      }
    case 'date':
      return putDate(transform, values)
    case 'text-hash': {
      const { unit, min, max, buckets, seed, weight } = transform
      return (row, out, at) => {
        for (const gram of ngramsOf(textOf(values[row], { input, row }) ?? '', unit, min, max)) {
          const place = at + (murmur3(utf8(gram), seed) % buckets)
          out[place] = weight === 'presence' ? 1 : (out[place] as number) + 1
        }
      }
    }
    case 'tokens': {
      const place = placeOf(transform.values, transform.unknown)
      return (row, out, at) => {
        const units = ngramsOf(textOf(values[row], { input, row }) ?? '', transform.unit, 1, 1)
        for (let i = 0; i < Math.min(units.length, transform.length); i++) out[at + i] = 1 + place(must(units[i], 'a word'))
      }
    }
    case 'missing':
      return one(
        (value) => value,
        (value) => (isMissing(value) ? 0 : undefined),
      )
  }
}

/** What numbers take as missing: nothing, an empty text, and what is not finite. */
const isMissing = (value: Scalar): boolean =>
  value === null || value === undefined || value === '' || (typeof value === 'number' && !Number.isFinite(value))

/** How many boundaries are at or below x. */
function bucketOf(x: number, boundaries: readonly number[]): number {
  let low = 0
  let high = boundaries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((boundaries[middle] as number) <= x) low = middle + 1
    else high = middle
  }
  return low
}

/** By the list of a manifest: what is asked one row at a time must not read thousands of words each time. */
const known = new WeakMap<readonly string[], ReadonlyMap<string, number>>()

function placeOf(values: readonly string[], unknown: number): (value: string) => number {
  const places = known.get(values) ?? new Map(values.map((value, i) => [value, i]))
  known.set(values, places)
  return (value) => places.get(value) ?? values.length + (unknown === 1 ? 0 : murmur3(utf8(value), 0) % unknown)
}

function putDate({ input, parts, encoding }: FrozenOf<'date'>, values: Values): Put {
  return (row, out, at) => {
    const time = timeOf(values[row], { input, row })
    if (Number.isNaN(time)) return
    let next = at
    for (const part of parts) {
      const whole = DATE_PARTS[part]
      const value = datePart(time, part)
      if (encoding === 'one-hot') {
        out[next + value] = 1
        next += whole
      } else if (encoding === 'cyclic') {
        out[next++] = sineOfTurn(value, whole)
        out[next++] = cosineOfTurn(value, whole)
      } else out[next++] = value / whole
    }
  }
}
