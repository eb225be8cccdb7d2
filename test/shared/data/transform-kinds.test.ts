import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { analyseTransforms, startTransformAnalysis } from '../../../shared/data/analyse-transforms.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { columnsOf, type Scalar } from '../../../shared/data/columns.ts'
import { murmur3 } from '../../../shared/data/murmur3.ts'
import { frozenTransformsSchema, inputsOf, rowWidth, vocabularySize } from '../../../shared/data/transforms.ts'
import { type TransformSpecInput, transformSpecsSchema } from '../../../shared/data/transform-specs.ts'
import { GOLDEN_CONSTANTS, GOLDEN_INPUTS, goldenRows } from './golden-rows.ts'

const training = {
  distance: Array.from({ length: 1000 }, (_, i) => (i % 100) ** 2),
  origin: Array.from({ length: 1000 }, (_, i) => ['ABQ', 'ABQ', 'ABQ', 'LAX', 'LAX', 'SFO', `rare ${i}`][i % 7]),
  sky: Array.from({ length: 1000 }, (_, i) => ['clear', 'cloud'][i % 2]),
  time: Array.from({ length: 1000 }, (_, i) => new Date(Date.UTC(2001, 0, 1, i))),
  text: Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? 'The flight was LATE, again!' : 'the weather was fine')),
}

/** The model inputs of rows, by specs that were analysed over the training rows above. */
function inputs(spec: TransformSpecInput, rows: readonly Record<string, Scalar>[]): number[][] {
  const frozen = analyseTransforms([spec], training)
  expect(frozenTransformsSchema.parse(JSON.parse(JSON.stringify(frozen)))).toEqual(frozen)
  const values = [...applyTransforms(frozen, columnsOf(rows))]
  const width = rowWidth(frozen)
  expect(values).toHaveLength(rows.length * width)
  return rows.map((_, i) => values.slice(i * width, (i + 1) * width))
}
const place = (values: readonly number[]): number[] => values.flatMap((value, i) => (value === 0 ? [] : [i]))
const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (thrown) {
    return thrown instanceof AppError ? `${thrown.code}: ${thrown.detail}` : String(thrown)
  }
  return 'accepted'
}

describe('kinds of transforms', () => {
  test('[DAT-50] log: the logarithm, standardised over the training split, cut at its least', () => {
    const got = inputs({ kind: 'log', input: 'distance' }, [{ distance: 0 }, { distance: 10_000 }, { distance: -0.5 }, { distance: null }])
    const logs = training.distance.map((x) => Math.log(x + 1))
    const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length
    const deviation = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logs.length - 1))
    expect(got[0]?.[0]).toBeCloseTo(-mean / deviation, 5)
    expect(got[1]?.[0]).toBeCloseTo((Math.log(10_001) - mean) / deviation, 5)
    expect(got[2]).toEqual(got[0])
    expect(got[3]).toEqual([0])
    expect(refusal(() => analyseTransforms([{ kind: 'log', input: 'distance', offset: -1 }], training))).toMatch(/raise the offset/)
  })

  test('[DAT-50] buckets: by boundaries that were given, or that cut the training split into equal parts', () => {
    const fixed: TransformSpecInput = { kind: 'buckets', input: 'distance', boundaries: [100, 1000] }
    const rows = [99.9, 100, 999, 1000, 1e9, null].map((distance) => ({ distance }))
    expect(inputs(fixed, rows).map(place)).toEqual([[0], [1], [1], [2], [2], []])
    const [frozen] = analyseTransforms([{ kind: 'buckets', input: 'distance', quantiles: 4 }], training)
    expect(frozen).toEqual({ kind: 'buckets', input: 'distance', boundaries: [25 ** 2, 50 ** 2, 75 ** 2] })
    const shares = inputs(
      { kind: 'buckets', input: 'distance', quantiles: 4 },
      training.distance.map((distance) => ({ distance })),
    )
    expect([0, 1, 2, 3].map((bucket) => shares.filter((row) => row[bucket] === 1).length)).toEqual([250, 250, 250, 250])
    expect(transformSpecsSchema.safeParse([{ kind: 'buckets', input: 'distance', boundaries: [2, 1] }]).success).toBe(false)
    expect(transformSpecsSchema.safeParse([{ kind: 'buckets', input: 'distance' }]).success).toBe(false)
  })

  test('[DAT-50] one-hot and vocabulary: the most frequent values, and buckets for those that are not among them', () => {
    const rows = ['ABQ', 'LAX', 'never seen', null].map((origin) => ({ origin }))
    const bucket = murmur3(utf8('never seen'), 0) % 3
    expect(inputs({ kind: 'one-hot', input: 'origin', top: 3, unknown: 3 }, rows).map(place)).toEqual([[0], [1], [3 + bucket], [5]])
    expect(inputs({ kind: 'vocabulary', input: 'origin', top: 3, unknown: 3 }, rows)).toEqual([[1], [2], [4 + bucket], [0]])
    const [frozen] = analyseTransforms([{ kind: 'vocabulary', input: 'origin', top: 3, unknown: 3 }], training)
    expect(frozen?.kind === 'vocabulary' && [frozen.values, vocabularySize(frozen)]).toEqual([['ABQ', 'LAX', 'SFO'], 7])
  })

  test('[DAT-51] hash and cross: a bucket for each value, or for values together', () => {
    const rows = [
      { origin: 'ABQ', sky: 'clear' },
      { origin: 'ABQ', sky: 'cloud' },
      { origin: null, sky: 'clear' },
      { origin: 'AB', sky: 'Qclear' },
    ]
    expect(inputs({ kind: 'hash', input: 'origin', buckets: 50 }, rows).map(place)).toEqual([
      [murmur3(utf8('ABQ'), 0) % 50],
      [murmur3(utf8('ABQ'), 0) % 50],
      [],
      [murmur3(utf8('AB'), 0) % 50],
    ])
    const crossed = inputs({ kind: 'cross', inputs: ['origin', 'sky'], buckets: 60_000 }, rows).map((row) => place(row)[0])
    expect(crossed[0]).toBe(murmur3(utf8('clear'), murmur3(utf8('ABQ'), 0)) % 60_000)
    expect(new Set(crossed).size).toBe(4)
    expect(analyseTransforms([{ kind: 'cross', inputs: ['origin', 'sky'], buckets: 9 }], training).flatMap(inputsOf)).toEqual([
      'origin',
      'sky',
    ])
  })

  test('[DAT-53] date: its parts as cycles, places or shares, from a Date, epoch milliseconds or ISO 8601 alike', () => {
    const at = Date.UTC(2001, 6, 4, 18, 30) // a Wednesday
    const same = [new Date(at), at, '2001-07-04T18:30:00Z', '2001-07-04 20:30+02:00'].map((time) => ({ time }))
    const cyclic = inputs({ kind: 'date', input: 'time' }, [...same, { time: null }])
    for (const row of cyclic.slice(1, 4)) expect(row).toEqual(cyclic[0])
    ;[0, -1, Math.sin((4 * Math.PI) / 7), Math.cos((4 * Math.PI) / 7), -1, 0].forEach((expected, i) =>
      expect(cyclic[0]?.[i]).toBeCloseTo(expected, 6),
    )
    expect(cyclic[4]).toEqual([0, 0, 0, 0, 0, 0])
    const parts = ['month', 'day-of-month', 'day-of-week', 'day-of-year', 'hour-of-day', 'minute-of-day'] as const
    expect(place(inputs({ kind: 'date', input: 'time', parts: [...parts], encoding: 'one-hot' }, same)[0] ?? [])).toEqual([
      6,
      12 + 3,
      43 + 2,
      50 + 184,
      416 + 18,
      440 + 18 * 60 + 30,
    ])
    expect(inputs({ kind: 'date', input: 'time', parts: ['hour-of-day'], encoding: 'share' }, same)[0]).toEqual([0.75])
  })

  test('[DAT-54] text: words or runs of characters in buckets, or words as padded numbers for an embedding', () => {
    const rows = ['Late, LATE again', 'été', 'e\u0301te\u0301 ', '', null].map((text) => ({ text }))
    const hashed = inputs({ kind: 'text-hash', input: 'text', buckets: 1000, min: 1, max: 2 }, rows)
    const of = (...grams: string[]) => [...new Set(grams.map((gram) => murmur3(utf8(gram), 0) % 1000))].sort((a, b) => a - b)
    expect(hashed.map(place)).toEqual([of('late', 'again', 'late late', 'late again'), of('été'), of('été'), [], []])
    const counted = inputs({ kind: 'text-hash', input: 'text', buckets: 1000, weight: 'count' }, rows)
    expect(counted[0]?.[murmur3(utf8('late'), 0) % 1000]).toBe(2)
    const letters = inputs({ kind: 'text-hash', input: 'text', unit: 'character', min: 3, max: 3, buckets: 1000 }, [{ text: 'Oh, no' }])
    expect(place(letters[0] ?? [])).toEqual(of('oh ', 'h n', ' no'))
    const tokens = inputs({ kind: 'tokens', input: 'text', length: 4, top: 5, unknown: 2 }, [
      ...rows.slice(0, 1),
      { text: 'the the was the was the' },
      { text: null },
    ])
    const unknown = (word: string) => 6 + (murmur3(utf8(word), 0) % 2)
    // by frequency, then by the alphabet: the, was, fine, weather, again
    expect(tokens).toEqual([
      [unknown('late'), unknown('late'), 5, 0],
      [1, 1, 2, 1],
      [0, 0, 0, 0],
    ])
  })

  test('[DAT-55] missing: 1 for nothing, an empty text and what is no number', () => {
    const rows = [null, '', Number.NaN, Infinity, 0, 5, 'x'].map((distance) => ({ distance }))
    expect(inputs({ kind: 'missing', input: 'distance' }, rows).flat()).toEqual([1, 1, 1, 1, 0, 0, 0])
  })

  test('[DAT-56] constants are those of the rows, however these are cut into batches', () => {
    const specs: TransformSpecInput[] = [
      { kind: 'standardize', input: 'distance' },
      { kind: 'log', input: 'distance' },
      { kind: 'buckets', input: 'distance', quantiles: 7 },
      { kind: 'one-hot', input: 'origin', top: 4 },
      { kind: 'tokens', input: 'text', length: 8 },
      { kind: 'cross', inputs: ['origin', 'sky'], buckets: 9 },
    ]
    const whole = analyseTransforms(specs, training)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 999 }), { maxLength: 5 }), (cuts) => {
        const analysis = startTransformAnalysis(specs)
        const places = [0, ...cuts, 1000].sort((a, b) => a - b)
        for (const [i, from] of places.slice(0, -1).entries())
          analysis.add(
            Object.fromEntries(Object.entries(training).map(([name, values]) => [name, (values as Scalar[]).slice(from, places[i + 1])])),
          )
        expect(analysis.finish()).toEqual(whole)
      }),
      { numRuns: 30 },
    )
  })

  test('[DAT-57] what a transform cannot take is refused with the name of the input and what it is', () => {
    const numbers = analyseTransforms([{ kind: 'standardize', input: 'distance' }], training)
    expect(refusal(() => applyTransforms(numbers, { distance: [1, 'far'] }))).toBe('invalid_input: distance is "far", expected a number')
    expect(refusal(() => applyTransforms(numbers, {}))).toMatch(/the input distance is not there/)
    const dates = analyseTransforms([{ kind: 'date', input: 'time' }], training)
    expect(refusal(() => applyTransforms(dates, { time: ['4 July'] }))).toMatch(/time is "4 July", expected a time/)
    const texts = analyseTransforms([{ kind: 'text-hash', input: 'text', buckets: 9 }], training)
    expect(refusal(() => applyTransforms(texts, { text: [5] }))).toBe('invalid_input: text is 5, expected text')
    const wrong: TransformSpecInput[] = [
      { kind: 'standardize', input: 'origin' },
      { kind: 'log', input: 'sky' },
      { kind: 'date', input: 'text' },
      { kind: 'text-hash', input: 'distance', buckets: 9 },
      { kind: 'image-scale', input: 'distance' },
      { kind: 'cross', inputs: ['origin', 'nowhere'], buckets: 9 },
    ]
    for (const spec of wrong) {
      const name = spec.kind === 'cross' ? 'nowhere' : spec.input
      expect(refusal(() => analyseTransforms([spec], training))).toMatch(new RegExp(`^invalid_input: .*${name}`))
    }
    expect(refusal(() => analyseTransforms([{ kind: 'one-hot', input: 'x' }], { x: [0.5, 1.5] }))).toMatch(/needs categories/)
  })

  test('[DAT-58] whatever numbers come, finite ones go in', () => {
    const frozen = analyseTransforms(
      [
        { kind: 'standardize', input: 'distance' },
        { kind: 'min-max', input: 'distance' },
        { kind: 'passthrough', input: 'distance' },
        { kind: 'log', input: 'distance' },
        { kind: 'buckets', input: 'distance', quantiles: 3 },
      ],
      training,
    )
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, null, '', '1e400', true)), (distance) => {
        expect(applyTransforms(frozen, { distance: [distance] }).every(Number.isFinite)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('[DAT-59] what manifests of earlier releases froze is read and applied as it was then', () => {
    const frozen = frozenTransformsSchema.parse(
      JSON.parse(`[
        {"kind":"standardize","input":"x","mean":2,"deviation":4,"missing":0},
        {"kind":"min-max","input":"x","min":2,"range":4,"missing":0.5},
        {"kind":"one-hot","input":"c","values":["a","b"]},
        {"kind":"passthrough","input":"x","missing":0},
        {"kind":"image-scale","input":"i","height":1,"width":2,"channels":1,"mean":[0.5],"deviation":[0.25]}
      ]`),
    )
    const images = { kind: 'images', height: 1, width: 2, channels: 1, pixels: Uint8Array.of(0, 255, 51, 51) } as const
    const got = applyTransforms(frozen, { x: [4, null], c: ['b', 'z'], i: images })
    expect([...got]).toEqual([0.5, 0.5, 0, 1, 0, 4, -2, 2, 0, 0.5, 0, 0, 1, 0, Math.fround(-1.2), Math.fround(-1.2)])
  })

  test('[DAT-60] rows of every kind become the same bits on every engine', async () => {
    const { constants, inputs: golden } = goldenRows()
    expect(await sha256(golden)).toBe(GOLDEN_INPUTS)
    expect(await sha256(constants)).toBe(GOLDEN_CONSTANTS)
  })
})
