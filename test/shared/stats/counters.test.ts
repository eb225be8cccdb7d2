import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { makeCategoricalReference } from '../../../shared/stats/categorical-reference.ts'
import { countPrediction, countOutcome, emptyCalibration } from '../../../shared/stats/calibration.ts'
import { type Counters, emptyCounters, mergeCounters, startCounting, validateCounters } from '../../../shared/stats/counters.ts'
import { countLatency, emptySketch, sketchToJson } from '../../../shared/stats/latency-sketch.ts'
import { countedMoments, type NumericCounts } from '../../../shared/stats/numeric-counts.ts'
import { binOf, makeNumericReference, numericReferenceSchema, referenceDeviation } from '../../../shared/stats/numeric-reference.ts'
import { emptyOutcomes } from '../../../shared/stats/outcomes.ts'
import { referencesSchema, type References } from '../../../shared/stats/reference.ts'
import { normals } from './draws.ts'

const references: References = {
  ink: makeNumericReference(normals(seededRandom(1), 1000, 0.2, 0.05), 16),
  flag: makeNumericReference([0, 0, 1, 1, 1, 1, 1], 16),
  colour: makeCategoricalReference(['red', 'red', 'blue', 'green', null]),
}

const value = fc.oneof(
  fc.double(),
  fc.constantFrom(null, 0.2, 0.1, 1, 0, -0, Number.NaN, Infinity, -Infinity),
  fc.double({ min: 0, max: 0.5, noNaN: true }),
)
const rows = fc.array(fc.record({ ink: value, flag: value, colour: fc.constantFrom('red', 'blue', 'pink', null) }), { maxLength: 30 })

function count(observed: readonly Record<string, number | string | null>[]): Counters {
  const counting = startCounting(references)
  for (const row of observed) counting.observeRow(row)
  return counting.take()
}

describe('[STA-4] references', () => {
  test('[STA-4] quantile edges give bins of about equal mass and account for each value', () => {
    const reference = makeNumericReference([...normals(seededRandom(2), 3200), Number.NaN, Infinity, null], 32)
    expect(reference.edges).toHaveLength(33)
    for (const n of reference.counts) expect(Math.abs(n - 100)).toBeLessThanOrEqual(1)
    expect([reference.n, reference.nan, reference.infinite, reference.missing]).toEqual([3200, 1, 1, 1])
    expect(Math.abs(reference.mean)).toBeLessThan(0.06)
    expect(Math.abs(referenceDeviation(reference) - 1)).toBeLessThan(0.05)
    expect(numericReferenceSchema.parse(JSON.parse(JSON.stringify(reference)))).toEqual(reference)
  })

  test('[STA-4] values that repeat keep the bins apart: 0/1 has two, a constant one', () => {
    const flag = makeNumericReference([0, 0, 1, 1, 1, 1, 1], 16)
    expect(flag.counts).toEqual([2, 5])
    const constant = makeNumericReference([3, 3, 3], 16)
    expect([constant.edges, constant.counts]).toEqual([[3, 3], [3]])
    expect([2, 3, 4].map((x) => binOf(constant.edges, x))).toEqual([-1, 0, 1])
  })

  test('[STA-4] a feature without a finite value has no reference', () => {
    expect(() => makeNumericReference([null, Number.NaN])).toThrow(AppError)
  })

  test('[STA-4] binary search finds the bin that a linear search finds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: -25, max: 25 }),
        (values, x) => {
          const { edges } = makeNumericReference(values, 8)
          const last = edges.length - 1
          const inside = edges.slice(0, -1).findLastIndex((edge) => edge <= x)
          const expected = x > (edges[last] ?? 0) ? last : inside
          expect(binOf(edges, x)).toBe(expected)
        },
      ),
    )
  })

  test('[STA-4] the most frequent values have cells, the rest are one', () => {
    const many = Array.from({ length: 100 }, (_, i) => Array.from({ length: i + 1 }, () => `v${i}`)).flat()
    const reference = makeCategoricalReference([...many, null], { top: 4, keep: ['never'] })
    expect(reference).toEqual({
      kind: 'categorical',
      values: ['never', 'v99', 'v98', 'v97'],
      counts: [0, 100, 99, 98],
      other: 5050 - 297,
      missing: 1,
    })
  })
})

describe('[STA-5] counting', () => {
  test('[STA-5] each value falls into one cell; text is never kept', () => {
    const counters = count([
      { ink: 0.2, flag: 7, colour: 'pink' },
      { ink: Number.NaN, flag: -1, colour: 'red' },
      { ink: null, flag: Infinity, colour: null },
    ])
    expect(counters['ink']).toMatchObject({ n: 1, nan: 1, missing: 1, min: 0.2, max: 0.2 })
    expect(counters['flag']).toMatchObject({ n: 2, cells: [1, 0, 0, 1], posInf: 1, min: -1, max: 7 })
    expect(counters['colour']).toMatchObject({ n: 2, counts: [1, 0, 0], other: 1, missing: 1 })
    expect(JSON.stringify(counters)).not.toContain('pink')
  })

  test('[STA-5] names without a reference are left alone, text in a numeric feature counts as not a number, take starts anew', () => {
    const counting = startCounting(references)
    counting.observe('unknown', 3)
    counting.observe('ink', 'dark')
    counting.observe('ink', '0.25')
    expect(counting.take()['ink']).toMatchObject({ n: 1, nan: 1 })
    expect(counting.take()).toEqual(emptyCounters(references))
  })

  test('[STA-5] moments are those of the values, and one absurd value does not carry them away', () => {
    const reference = makeNumericReference(normals(seededRandom(3), 5000, 40, 3), 16)
    const values = normals(seededRandom(4), 2000, 42, 4)
    const counting = startCounting({ x: reference })
    for (const x of values) counting.observe('x', x)
    const counts = counting.take()['x'] as NumericCounts
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1))
    const moments = countedMoments(reference, counts)
    expect(Math.abs((moments?.mean ?? 0) - mean)).toBeLessThan(0.001)
    expect(Math.abs((moments?.deviation ?? 0) - deviation)).toBeLessThan(0.001)
    for (const x of [...values, 1e30]) counting.observe('x', x)
    expect(Math.abs((countedMoments(reference, counting.take()['x'] as NumericCounts)?.mean ?? 0) - mean)).toBeLessThan(0.2)
  })
})

describe('[STA-6] merging', () => {
  test('[STA-6] is exact: in any order and grouping, and the same as counting everything in one place', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const [x, y, w] = [count(a), count(b), count(c)]
        expect(mergeCounters(x, y)).toEqual(mergeCounters(y, x))
        expect(mergeCounters(mergeCounters(x, y), w)).toEqual(mergeCounters(x, mergeCounters(y, w)))
        expect(mergeCounters(mergeCounters(x, y), w)).toEqual(count([...a, ...b, ...c]))
        expect(mergeCounters(x, emptyCounters(references))).toEqual(x)
      }),
    )
  })

  test('[STA-6] keeps a feature that only one side has', () => {
    const all = count([{ ink: 0.1, flag: 1, colour: 'red' }])
    const { ink: _, ...rest } = all
    expect(mergeCounters(rest, all)['ink']).toEqual(all['ink'])
  })
})

describe('[STA-7] counters from a device', () => {
  test('[STA-7] what was counted survives JSON and is accepted', () => {
    fc.assert(
      fc.property(rows, (observed) => {
        const counters = count(observed)
        const result = validateCounters(JSON.parse(JSON.stringify(counters)), references)
        expect(result).toEqual({ ok: true, value: counters })
      }),
    )
  })

  const honest = count([
    { ink: 0.2, flag: 1, colour: 'red' },
    { ink: 0.31, flag: 0, colour: 'pink' },
  ])
  const ink = honest['ink'] as NumericCounts
  const lies: [string, unknown][] = [
    ['bins that do not add up', { ...honest, ink: { ...ink, n: 3 } }],
    ['a negative count', { ...honest, ink: { ...ink, nan: -1 } }],
    ['a fraction', { ...honest, ink: { ...ink, missing: 0.5 } }],
    ['the wrong number of bins', { ...honest, ink: { ...ink, cells: ink.cells.slice(1) } }],
    ['a feature nobody asked for', { ...honest, height: ink }],
    ['a feature of another kind', { ...honest, colour: ink }],
    ['moments beyond what n values give', { ...honest, ink: { ...ink, sum: 1e9, sumSquares: 1e12 } }],
    ['squares below the sum', { ...honest, ink: { ...ink, sum: 500, sumSquares: 1000 } }],
    ['a minimum outside the lowest cell', { ...honest, ink: { ...ink, min: -40 } }],
    ['a maximum outside the highest cell', { ...honest, ink: { ...ink, max: 40 } }],
    ['no extremes', { ...honest, ink: { ...ink, min: null } }],
    ['categories that do not add up', { ...honest, colour: { kind: 'categorical', n: 9, counts: [1, 0, 0], other: 1, missing: 0 } }],
    ['categories of another reference', { ...honest, colour: { kind: 'categorical', n: 1, counts: [1], other: 0, missing: 0 } }],
    ['a number that JSON cannot say', { ...honest, ink: { ...ink, max: Number.NaN } }],
    ['a count above 2^53', { ...honest, ink: { ...ink, missing: 2 ** 60 } }],
    ['an extra member', { ...honest, ink: { ...ink, names: ['x'] } }],
    ['no object', 7],
  ]
  test.each(lies)('[STA-7] refuses %s', (_, sent) => {
    const result = validateCounters(sent, references)
    expect(result.ok).toBe(false)
    if (!result.ok) {
      expect(result.error.code).toBe('invalid_input')
      expect(result.error.issues.length).toBeGreaterThan(0)
    }
  })

  test('[STA-7] refuses more values than one report may hold', () => {
    expect(validateCounters(honest, references, { maximum: 2 }).ok).toBe(true)
    expect(validateCounters(honest, references, { maximum: 1 }).ok).toBe(false)
  })

  test('[STA-7] names that objects inherit do nothing', () => {
    expect(validateCounters(JSON.parse(`{"__proto__":${JSON.stringify(ink)}}`), references)).toEqual({ ok: true, value: {} })
    expect(validateCounters({ constructor: ink }, references).ok).toBe(false)
  })
})

test('[STA-8] a report of 8 numeric features, classes, confidence, outcomes and latency fits 4 kB', () => {
  const random = seededRandom(5)
  const labels = Array.from({ length: 10 }, (_, i) => String(i))
  const wide: References = {
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [`feature_${i}`, makeNumericReference(normals(random, 2000, i, 1 + i / 3), 16)]),
    ),
    prediction: makeCategoricalReference(labels, { keep: labels }),
  }
  expect(referencesSchema.safeParse(wide).success).toBe(true)
  const counting = startCounting(wide)
  const calibration = emptyCalibration(20)
  const latency = emptySketch()
  for (let i = 0; i < 200; i++) {
    for (let f = 0; f < 8; f++) counting.observe(`feature_${f}`, f + (1 + f / 3) * normal(random))
    counting.observe('prediction', random.integer(10))
    countPrediction(calibration, random.uniform())
    countOutcome(calibration, random.uniform(), true)
    countLatency(latency, Math.exp(2 + 0.3 * normal(random)))
  }
  const report = { counters: counting.take(), calibration, outcomes: emptyOutcomes(10), latency: sketchToJson(latency) }
  expect(JSON.stringify(report).length).toBeLessThan(3500)
})
