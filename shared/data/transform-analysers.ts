import { AppError } from '../core/errors.ts'
import { type Column, isImageColumn, type Scalar } from './columns.ts'
import { exactLog } from './exact-math.ts'
import { imageAnalyser } from './image-analyser.ts'
import { moments, valueSample } from './moments.ts'
import { categoryOf, numberOf, textOf, timeOf } from './scalar-value.ts'
import { ngramsOf } from './text-units.ts'
import type { SpecOf, TransformSpec } from './transform-specs.ts'
import type { FrozenTransform } from './transforms.ts'
import { countValues } from './value-counts.ts'

/** Learns the constants of one transform from a column (of a cross: from several, one after the other). */
export type TransformAnalyser = { add(column: Column, rows: number, which: number): void; finish(): FrozenTransform }

const refuse = (spec: TransformSpec, what: string): never => {
  const name = spec.kind === 'cross' ? spec.inputs.join(' and ') : spec.input
  throw new AppError('invalid_input', `transform ${spec.kind} of ${name} needs ${what}`)
}

const needs = { number: 'numbers', time: 'times', category: 'categories (text or whole numbers)', text: 'text' } as const

/** Each value of the columns, as the transform reads it. */
function reading<T>(
  spec: TransformSpec,
  read: (value: Scalar, place: { input: string; row: number }) => T,
  take: (value: T) => void,
  what: string,
): TransformAnalyser['add'] {
  return (column, rows, which) => {
    const input = spec.kind === 'cross' ? (spec.inputs[which] ?? '') : spec.input
    if (isImageColumn(column)) return refuse(spec, `${what}; the data has images`)
    for (let row = 0; row < rows; row++) {
      try {
        take(read(column[row], { input, row }))
      } catch (thrown) {
        if (thrown instanceof AppError) refuse(spec, `${what}: ${thrown.detail}`)
        throw thrown
      }
    }
  }
}

function numeric(
  spec: Exclude<TransformSpec, SpecOf<'cross'>>,
  freeze: (found: ReturnType<ReturnType<typeof moments>['finish']>) => FrozenTransform,
  map: (x: number) => number = (x) => x,
): TransformAnalyser {
  const seen = moments()
  return {
    add: reading(spec, numberOf, (x) => Number.isNaN(x) || seen.add(map(x)), needs.number),
    finish: () => {
      const found = seen.finish()
      return found.n === 0 ? refuse(spec, `${needs.number}; no row has one`) : freeze(found)
    },
  }
}

/** A constant feature becomes 0 everywhere, not NaN. */
const orOne = (x: number): number => (x > 0 ? x : 1)

function logAnalyser(spec: SpecOf<'log'>): TransformAnalyser {
  const { kind, input, offset } = spec
  let least = Infinity
  const log = (x: number): number => {
    const shifted = x + offset
    if (!(shifted > 0)) refuse(spec, `values above ${-offset}, and the data has ${x}: raise the offset`)
    least = Math.min(least, shifted)
    return exactLog(shifted)
  }
  return numeric(spec, ({ mean, deviation }) => ({ kind, input, offset, least, mean, deviation: orOne(deviation), missing: 0 }), log)
}

function bucketsAnalyser(spec: SpecOf<'buckets'>): TransformAnalyser {
  const { kind, input, boundaries, quantiles = 0 } = spec
  const sample = valueSample()
  return {
    add: reading(spec, numberOf, (x) => boundaries !== undefined || Number.isNaN(x) || sample.add(x), needs.number),
    finish: () => {
      if (boundaries !== undefined) return { kind, input, boundaries }
      const sorted = sample.finish()
      if (sorted.length === 0) return refuse(spec, `${needs.number}; no row has one`)
      const cuts = Array.from({ length: quantiles - 1 }, (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / quantiles)] as number)
      // many rows of one value make one boundary, and none below all rows
      const rising = cuts.filter((cut, i) => cut > Number(i === 0 ? sorted[0] : cuts[i - 1]))
      return { kind, input, boundaries: rising.length > 0 ? rising : [sorted.at(-1) as number] }
    },
  }
}

function categories(
  spec: SpecOf<'one-hot' | 'vocabulary' | 'hash' | 'cross'>,
  freeze: (values: string[]) => FrozenTransform,
  top = 0,
): TransformAnalyser {
  const counts = countValues({ tracked: Math.max(8192, 4 * top), top })
  const read = (value: Scalar, place: { input: string; row: number }): string | undefined => {
    if (typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value))
      throw new AppError('invalid_input', `${place.input} is ${value}`)
    return categoryOf(value, place)
  }
  return {
    add: reading(spec, read, (value) => value === undefined || top === 0 || counts.add(value), needs.category),
    finish: () => freeze((counts.finish()?.top ?? []).map(({ value }) => value)),
  }
}

function tokensAnalyser(spec: SpecOf<'tokens'>): TransformAnalyser {
  const { kind, input, unit, length, top, unknown } = spec
  const counts = countValues({ tracked: Math.max(8192, 4 * top), top })
  return {
    add: reading(spec, textOf, (text) => ngramsOf(text ?? '', unit, 1, 1).forEach((word) => counts.add(word)), needs.text),
    finish: () => ({ kind, input, unit, length, values: (counts.finish()?.top ?? []).map(({ value }) => value), unknown }),
  }
}

/** For what needs no constants: only that the values are of the right kind. */
const checked = (spec: TransformSpec, frozen: FrozenTransform, read: Parameters<typeof reading>[1], what: string): TransformAnalyser => ({
  add: reading(spec, read, () => {}, what),
  finish: () => frozen,
})

export function analyserOf(spec: TransformSpec): TransformAnalyser {
  switch (spec.kind) {
    case 'image-scale':
      return imageAnalyser(spec, (what) => refuse(spec, what))
    case 'standardize':
      return numeric(spec, ({ mean, deviation }) => ({ kind: spec.kind, input: spec.input, mean, deviation: orOne(deviation), missing: 0 }))
    case 'min-max':
      return numeric(spec, ({ min, max, mean }) => {
        const range = orOne(max - min)
        return { kind: spec.kind, input: spec.input, min, range, missing: (mean - min) / range }
      })
    case 'passthrough':
      return numeric(spec, () => ({ kind: spec.kind, input: spec.input, missing: 0 }))
    case 'log':
      return logAnalyser(spec)
    case 'buckets':
      return bucketsAnalyser(spec)
    case 'one-hot': {
      const { kind, input, top, unknown } = spec
      return categories(spec, (values) => ({ kind, input, values, ...(unknown === 1 ? {} : { unknown }) }), top)
    }
    case 'vocabulary': {
      const { kind, input, top, unknown } = spec
      return categories(spec, (values) => ({ kind, input, values, unknown }), top)
    }
    case 'hash':
    case 'cross':
      return categories(spec, () => spec)
    case 'date':
      return checked(spec, spec, timeOf, needs.time)
    case 'text-hash':
      return checked(spec, spec, textOf, needs.text)
    case 'tokens':
      return tokensAnalyser(spec)
    case 'missing':
      return checked(spec, spec, (value) => value, 'a column')
  }
}
