import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type * as z from 'zod'
import type { MetricsDocument } from '../../../server/pipeline/data/metrics-document.ts'
import { type ComparePaired, judge as judgeAll, type Rivals, type Threshold, threshold } from '../../../server/pipeline/model-gate.ts'

const figures = (value: number) => ({ accuracy: value, logLoss: 0.1, calibrationError: 0.01 })
const metrics = (accuracy: number, slices: Record<string, [number, number]> = {}): MetricsDocument => ({
  task: 'classification',
  labels: ['a', 'b'],
  ranking: null,
  slicedBy: null,
  count: 1000,
  figures: figures(accuracy),
  intervals: {},
  byLabel: [],
  confusion: [],
  reliability: [],
  roc: [],
  slices: Object.entries(slices).map(([slice, [value, count]]) => ({ slice, count, figures: { accuracy: value }, intervals: {} })),
  passedOver: {},
  statement: '',
  training: null,
})
const limits = (some: Partial<z.input<typeof threshold>>): Threshold => threshold.parse({ metric: 'accuracy', ...some })
const better = { change: { direction: 'higher-is-better', atLeast: 0 } } as const
const judge = (candidate: MetricsDocument, live: MetricsDocument | null, thresholds: readonly Threshold[], comparePaired?: ComparePaired) =>
  judgeAll({ candidate, rivals: { live }, thresholds, comparePaired })

describe('model gate', () => {
  test('[PIP-36] holds a first version against fixed bounds only, which are themselves allowed', () => {
    expect(judge(metrics(0.9), null, [limits({ lower: 0.9 }), limits(better)]).blessed).toBe(true)
    expect(judge(metrics(0.899), null, [limits({ lower: 0.9 })])).toMatchObject({
      blessed: false,
      checks: [{ why: 'accuracy is 0.899, below 0.9' }],
    })
    expect(judge(metrics(0.9), null, [limits({ metric: 'logLoss', upper: 0.05 })]).blessed).toBe(false)
  })

  test('[PIP-37] refuses a candidate that is worse than the live version by more than is allowed, and says by how much', () => {
    expect(judge(metrics(0.95), metrics(0.95), [limits(better)]).blessed).toBe(true)
    expect(judge(metrics(0.94), metrics(0.95), [limits(better)])).toMatchObject({
      blessed: false,
      checks: [{ why: 'accuracy is 0.94, the live version has 0.95: a gain of -0.01 where 0 is needed' }],
    })
    expect(judge(metrics(0.94), metrics(0.95), [limits({ change: { direction: 'higher-is-better', atLeast: -0.01 } })]).blessed).toBe(true)
    expect(judge(metrics(0.95), metrics(0.95), [limits({ change: { direction: 'higher-is-better', atLeast: 0.001 } })]).blessed).toBe(false)
    expect(
      judge(metrics(0.9), metrics(0.9), [limits({ metric: 'logLoss', change: { direction: 'lower-is-better', atLeast: 0 } })]).blessed,
    ).toBe(true)
  })

  test('[PIP-38] refuses a candidate that is better overall and worse in one slice', () => {
    const candidate = metrics(0.97, { 'region=north': [0.99, 500], 'region=south': [0.8, 500] })
    const live = metrics(0.95, { 'region=north': [0.95, 500], 'region=south': [0.95, 500] })
    const judged = judge(candidate, live, [limits(better), limits({ slice: 'region=*', ...better })])
    expect(judged.blessed).toBe(false)
    expect(judged.checks.filter(({ ok }) => !ok).map(({ slice }) => slice)).toEqual(['region=south'])
  })

  test('[PIP-39] fails closed: nothing to hold against, a slice that is not there, too few rows, a live version without the slice, NaN', () => {
    const candidate = metrics(0.97, { 'region=north': [0.99, 5] })
    expect(judge(candidate, null, []).blessed).toBe(false)
    expect(judge(candidate, null, [limits({ slice: 'region=west', lower: 0.1 })]).blessed).toBe(false)
    expect(judge(candidate, null, [limits({ slice: 'age=*', lower: 0.1 })]).blessed).toBe(false)
    expect(judge(candidate, null, [limits({ slice: 'region=north', lower: 0.1, minCount: 10 })]).blessed).toBe(false)
    expect(judge(candidate, metrics(0.9), [limits({ slice: 'region=north', ...better })]).blessed).toBe(false)
    expect(judge(metrics(Number.NaN), null, [limits({ lower: 0.1 })]).blessed).toBe(false)
    expect(judge(metrics(0.9), metrics(Number.NaN), [limits(better)]).blessed).toBe(false)
    // figures of a slice too small to judge, where only the kind was named, are passed over
    expect(judge(candidate, null, [limits({ lower: 0.5 }), limits({ slice: 'region=*', lower: 0.999, minCount: 10 })]).blessed).toBe(true)
  })

  test('[PIP-40] is blessed only if every check is, and a better candidate is never refused where a worse one is blessed', () => {
    const value = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(value, value, value, value, fc.double({ min: -0.2, max: 0.2, noNaN: true }), (a, b, live, lower, atLeast) => {
        const [worse, best] = a < b ? [a, b] : [b, a]
        const thresholds = [limits({ lower }), limits({ change: { direction: 'higher-is-better', atLeast } })]
        const judged = judge(metrics(worse), metrics(live), thresholds)
        expect(judged.blessed).toBe(judged.checks.every(({ ok }) => ok))
        if (judged.blessed) expect(judge(metrics(best), metrics(live), thresholds).blessed).toBe(true)
      }),
    )
  })

  test('[PIP-160] a relative change of a figure of 0 asks for no loss, rather than for the impossible', () => {
    const relative = (atLeastRelative: number, atLeast = -1) =>
      limits({ change: { direction: 'higher-is-better', atLeast, atLeastRelative } })
    expect(judge(metrics(0), metrics(0), [relative(0.1)]).blessed).toBe(true)
    expect(judge(metrics(0.1), metrics(0), [relative(0.1)]).blessed).toBe(true)
    // 0.8 and a tenth of it
    expect(judge(metrics(0.88), metrics(0.8), [relative(0.1)]).blessed).toBe(true)
    expect(judge(metrics(0.879), metrics(0.8), [relative(0.1)]).checks[0]?.why).toMatch(/a gain of 0.079 where 0.08 is needed/)
    // both parts must hold
    expect(judge(metrics(0.89), metrics(0.8), [relative(0.1, 0.1)]).blessed).toBe(false)
    expect(judge(metrics(0.79), metrics(0.8), [relative(-0.05)]).blessed).toBe(true)
  })

  test('[PIP-161] where there is nothing to compare with, a missing live version passes unless it must be there; any other rival fails', () => {
    const against = (more: object) => limits({ change: { direction: 'higher-is-better', atLeast: 0, ...more } })
    const judged = (more: object, rivals: Rivals) => judgeAll({ candidate: metrics(0.9), rivals, thresholds: [against(more)] })
    expect(judged({}, { live: null }).blessed).toBe(true)
    expect(judged({ missing: 'fail' }, { live: null }).blessed).toBe(false)
    expect(judged({ against: 'rules' }, { live: null, rules: null }).checks[0]?.why).toMatch(/no rules to compare it with/)
    expect(judged({ against: 'mistyped' }, { live: null }).blessed).toBe(false)
    expect(judged({ against: 'rules', missing: 'pass' }, { live: null, rules: null }).blessed).toBe(true)
    expect(judged({}, { live: 'it takes a column that is gone' }).checks[0]?.why).toBe(
      'the live version could not be measured: it takes a column that is gone',
    )
    expect(judged({ against: 'rules' }, { live: null, rules: metrics(0.95) }).checks[0]?.why).toMatch(/rules has 0.95: a gain of -0.05/)
  })

  test('[PIP-162] with a confidence, the lower end of the paired interval must reach the margin; without pairs it fails', () => {
    const sure = [limits({ change: { direction: 'higher-is-better', atLeast: 0, confidence: 0.95 } })]
    const paired =
      (low: number): ComparePaired =>
      ({ higher, confidence }) =>
        higher && confidence === 0.95 ? { low, high: 0.1 } : undefined
    expect(judge(metrics(0.95), metrics(0.9), sure, paired(0.001)).blessed).toBe(true)
    expect(judge(metrics(0.95), metrics(0.9), sure, paired(-0.001)).checks[0]?.why).toMatch(
      /95 % confidence the gain is -0.001 to 0.1: 0 is needed/,
    )
    expect(judge(metrics(0.95), metrics(0.9), sure).checks[0]?.why).toMatch(/did not answer the same rows/)
  })
})
