import { analyseTransforms } from '../../../shared/data/analyse-transforms.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { type Batch, columnsOf, type Scalar } from '../../../shared/data/columns.ts'
import type { TransformSpecInput } from '../../../shared/data/transform-specs.ts'

/** SHA-256 of the model inputs of 500 generated rows, and of the constants frozen over 2,000 others. */
export const GOLDEN_INPUTS = '855507d6cc3001bced61878e530ebc4fd85bd0d3fd38f7ee75ee8fde04ed62af'
export const GOLDEN_CONSTANTS = 'ee91cc9abbb11aca6b0086ba12d22bd95669c7dfa37595d44043b0b8f9ff41b0'

/** Whole numbers below `n`, by arithmetic that every engine spells alike. */
function wholeNumbers(start: number): (n: number) => number {
  let state = start >>> 0
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

const WORDS = [
  'Late',
  'delayed',
  'GATE',
  'été',
  'e\u0301te\u0301',
  'Ärger',
  'Ж',
  'ΣΊΣΥΦΟΣ',
  '北京',
  '🛫',
  'a',
  'of',
  '2001',
  'x-ray',
  '…',
  '\ud800',
]
const bits = new DataView(new ArrayBuffer(8))

/** Any double but NaN's many forms: every exponent comes. */
function anyDouble(next: (n: number) => number): number {
  bits.setUint32(0, next(2 ** 32))
  bits.setUint32(4, next(2 ** 32))
  return bits.getFloat64(0)
}

function row(next: (n: number) => number): Record<string, Scalar> {
  const day = Date.UTC(1900, 0, 1) + next(2 ** 31) * 2000 + next(1000)
  const number: Scalar[] = [
    next(1000) / 7,
    -next(1000) / 3,
    next(1_000_000_000),
    anyDouble(next),
    null,
    Number.NaN,
    Infinity,
    String(next(99)),
    '',
  ]
  const positive: Scalar[] = [next(100_000) / 11, next(100), next(1000) / 1e300, null]
  return {
    number: number[next(number.length)],
    positive: positive[next(positive.length)],
    code: [next(40), `c${next(30)}`, null, 'früh', true, BigInt(next(1_000_000))][next(6)],
    place: WORDS[next(WORDS.length)],
    time: [new Date(day), day, new Date(day).toISOString(), null, '2001-07-04'][next(5)],
    text:
      next(20) === 0
        ? null
        : Array.from({ length: next(12) }, () => WORDS[next(WORDS.length)]).join([' ', ', ', '\n', '\u00a0', ' — '][next(5)]),
  }
}

const rows = (n: number, start: number, change: (row: Record<string, Scalar>) => Record<string, Scalar> = (one) => one): Batch => {
  const next = wholeNumbers(start)
  return columnsOf(Array.from({ length: n }, () => change(row(next))))
}

const SPECS: TransformSpecInput[] = [
  { kind: 'standardize', input: 'number' },
  { kind: 'min-max', input: 'number' },
  { kind: 'passthrough', input: 'number' },
  { kind: 'missing', input: 'number' },
  { kind: 'log', input: 'positive', offset: 0.5 },
  { kind: 'buckets', input: 'positive', quantiles: 9 },
  { kind: 'buckets', input: 'number', boundaries: [-1.5, 0, 1e-300, 70.1] },
  { kind: 'one-hot', input: 'code', top: 12, unknown: 4 },
  { kind: 'vocabulary', input: 'place', top: 5, unknown: 3 },
  { kind: 'hash', input: 'place', buckets: 17, seed: 99 },
  { kind: 'cross', inputs: ['place', 'code'], buckets: 53, seed: 7 },
  { kind: 'date', input: 'time', parts: ['month', 'day-of-month', 'day-of-week', 'day-of-year', 'hour-of-day', 'minute-of-day'] },
  { kind: 'date', input: 'time', parts: ['day-of-year', 'minute-of-day'], encoding: 'share' },
  { kind: 'date', input: 'time', parts: ['day-of-week', 'hour-of-day'], encoding: 'one-hot' },
  { kind: 'text-hash', input: 'text', buckets: 61, min: 1, max: 3, weight: 'count' },
  { kind: 'text-hash', input: 'text', buckets: 61, unit: 'character', min: 2, max: 4 },
  { kind: 'tokens', input: 'text', length: 9, top: 8, unknown: 3 },
]

/** Every kind of transform, its constants learnt from some rows and applied to others: what server and browser must agree in to the bit. */
export function goldenRows(): { constants: string; inputs: Uint8Array<ArrayBuffer> } {
  // extremes are for applying only: a mean over all doubles says nothing
  const tame = (one: Record<string, Scalar>) => ({ ...one, number: Math.abs(Number(one['number'])) < 1e12 ? one['number'] : 3 })
  const frozen = analyseTransforms(SPECS, rows(2000, 1, tame))
  return { constants: JSON.stringify(frozen), inputs: new Uint8Array(applyTransforms(frozen, rows(500, 77)).buffer) }
}
