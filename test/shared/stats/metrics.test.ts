import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { percentileInterval, resampled } from '../../../shared/stats/bootstrap.ts'
import { classifier } from '../../../shared/stats/classification-metrics.ts'
import { mcnemar, mcnemarBetter } from '../../../shared/stats/paired-test.ts'
import { rankRows, rocCurve } from '../../../shared/stats/ranked-curves.ts'
import { ranker, rankingOf } from '../../../shared/stats/ranking-metrics.ts'
import { regressor } from '../../../shared/stats/regression-metrics.ts'
import { wilsonInterval } from '../../../shared/stats/wilson.ts'

/** Two probabilities a row, from the second's. */
const binary = (scores: readonly number[], labels: readonly number[]) =>
  classifier({ probabilities: Float64Array.from(scores.flatMap((p) => [1 - p, p])), classes: 2, labels })().figures
/** Certain answers. */
const decided = (answers: readonly number[], labels: readonly number[], classes: number) =>
  classifier({
    probabilities: Float64Array.from(answers.flatMap((a) => Array.from({ length: classes }, (_, c) => (c === a ? 1 : 0)))),
    classes,
    labels,
  })()

const row = fc.record({
  label: fc.nat(2),
  p: fc.tuple(
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
  ),
})
const rows = fc.array(row, { minLength: 1, maxLength: 40 })
const of = (list: { label: number; p: readonly number[] }[]) => ({
  probabilities: Float64Array.from(list.flatMap(({ p }) => p.map((x) => x / p.reduce((a, b) => a + b, 0)))),
  classes: 3,
  labels: list.map(({ label }) => label),
})

describe('classification', () => {
  test('[CMP-103] the published values of the examples in scikit-learn’s documentation come out to 1e-6', () => {
    // roc_auc_score, average_precision_score
    const ranked = binary([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    expect(ranked['rocAuc']).toBeCloseTo(0.75, 9)
    expect(ranked['prAuc']).toBeCloseTo(0.8333333, 6)
    // brier_score_loss
    expect(binary([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0])['brier']).toBeCloseTo(0.0375, 9)
    // log_loss: ham, spam
    expect(binary([0.9, 0.1, 0.2, 0.65], [1, 0, 0, 1])['logLoss']).toBeCloseTo(0.21616187468057912, 6)
    // balanced_accuracy_score
    expect(decided([0, 1, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0], 2).figures['balancedAccuracy']).toBeCloseTo(0.625, 9)
    // precision_score, recall_score, f1_score
    const { figures, confusion, byLabel } = decided([0, 2, 1, 0, 0, 1], [0, 1, 2, 0, 1, 2], 3)
    expect(figures['precisionMacro']).toBeCloseTo(0.2222222, 6)
    expect(figures['recallMacro']).toBeCloseTo(0.3333333, 6)
    expect(figures['f1Macro']).toBeCloseTo(0.2666667, 6)
    expect(figures['f1Micro']).toBeCloseTo(0.3333333, 6)
    expect(byLabel.map(({ f1 }) => f1)).toEqual([0.8, 0, 0])
    expect(confusion).toEqual([
      [2, 0, 0],
      [1, 0, 1],
      [0, 2, 0],
    ])
  })

  test('[CMP-103] calibration error of a case worked out by hand: |0.85-1|, |0.65-1|, |0.95-0|, |0.75-1|', () => {
    expect(binary([0.15, 0.65, 0.05, 0.75], [0, 1, 1, 1])['calibrationError']).toBeCloseTo((0.15 + 0.35 + 0.95 + 0.25) / 4, 9)
  })

  test('[CMP-103] the area under the curve is the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 30 }), (list) => {
        const [yes, no] = [list.filter(([, is]) => is), list.filter(([, is]) => !is)]
        const figures = binary(
          list.map(([score]) => score / 5),
          list.map(([, is]) => (is ? 1 : 0)),
        )
        if (yes.length === 0 || no.length === 0) {
          expect(figures['rocAuc']).toBeUndefined()
          return
        }
        const pairs = yes.flatMap(([a]) => no.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0) as number))
        expect(figures['rocAuc']).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 9)
        const curve = rocCurve(
          rankRows(
            list.length,
            (i) => must(list[i], 'a row')[0],
            (i) => must(list[i], 'a row')[1],
          ),
          100,
        )
        const area = curve
          .slice(1)
          .reduce((sum, [x, y], i) => sum + (x - must(curve[i], 'a point')[0]) * ((y + must(curve[i], 'a point')[1]) / 2), 0)
        expect(area).toBeCloseTo(figures['rocAuc'] ?? Number.NaN, 9)
      }),
    )
  })

  test('[CMP-104] a row of weight two is the row twice, one of weight zero is not there', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.nat(3)), { minLength: 1, maxLength: 25 }), (list) => {
        fc.pre(list.some(([, weight]) => weight > 0))
        const weighed = classifier(of(list.map(([one]) => one)))(list.map(([, weight]) => weight))
        const repeated = classifier(of(list.flatMap(([one, weight]) => Array.from({ length: weight }, () => one))))()
        expect(weighed.confusion).toEqual(repeated.confusion)
        expect(Object.keys(weighed.figures)).toEqual(Object.keys(repeated.figures))
        for (const [name, value] of Object.entries(repeated.figures)) expect(weighed.figures[name]).toBeCloseTo(value, 9)
      }),
    )
  })

  test('[CMP-104] counts add up and every share lies in its range, whatever the answers', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const { figures, confusion, byLabel } = classifier(of(list))()
        expect(confusion.flat().reduce((a, b) => a + b, 0)).toBe(list.length)
        expect(byLabel.reduce((sum, { count }) => sum + count, 0)).toBe(list.length)
        for (const [name, value] of Object.entries(figures)) {
          expect(value, name).toBeGreaterThanOrEqual(0)
          expect(value, name).toBeLessThanOrEqual(name === 'logLoss' ? 17 : name === 'brier' ? 2 : 1)
        }
      }),
    )
  })
})

describe('regression', () => {
  test('[CMP-105] the published values of scikit-learn’s examples come out to 1e-6; bias and quantiles by hand', () => {
    const figures = regressor({ predictions: [2.5, 0, 2, 8], targets: [3, -0.5, 2, 7] })()
    expect(figures['mae']).toBeCloseTo(0.5, 9)
    expect(figures['rmse']).toBeCloseTo(Math.sqrt(0.375), 9)
    expect(figures['r2']).toBeCloseTo(0.9486081370449679, 9)
    expect(figures['errorP50']).toBeCloseTo(0.5, 9)
    expect(figures['bias']).toBeCloseTo(0.25, 9)
    const tenth = regressor({ predictions: Array.from({ length: 100 }, (_, i) => i + 1), targets: new Float64Array(100) })()
    expect(tenth).toMatchObject({ errorP50: 50.5, errorP90: 90.5, errorP95: 95.5 })
    expect(regressor({ predictions: [1, 2], targets: [3, 3] })()).not.toHaveProperty('r2')
  })

  test('[CMP-104] weights repeat rows of a regression too', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, fc.nat(3)), { minLength: 1, maxLength: 20 }), (list) => {
        fc.pre(list.some(([, , weight]) => weight > 0))
        const rowsOf = (some: readonly (readonly [number, number, number])[]) => ({
          predictions: some.map(([p]) => p),
          targets: some.map(([, t]) => t),
        })
        const weighed = regressor(rowsOf(list))(list.map(([, , weight]) => weight))
        const repeated = regressor(rowsOf(list.flatMap((one) => Array.from({ length: one[2] }, () => one))))()
        for (const name of ['mae', 'rmse', 'bias', 'errorP50', 'errorP90'])
          expect(weighed[name]).toBeCloseTo(repeated[name] ?? Number.NaN, 6)
      }),
    )
  })
})

describe('ranking', () => {
  test('[CMP-106] the published values of scikit-learn’s ndcg_score and of the textbooks come out to 1e-6', () => {
    const relevance = [10, 0, 0, 1, 5]
    const ndcg = (scores: number[], k: number) => rankingOf({ scores, relevance }, [k])?.ndcg[k]
    expect(ndcg([0.1, 0.2, 0.3, 4, 70], 5)).toBeCloseTo(0.6956940443813076, 6)
    expect(ndcg([0.05, 1.1, 1, 0.5, 0], 5)).toBeCloseTo(0.4936802, 6)
    expect(ndcg([0.05, 1.1, 1, 0.5, 0], 4)).toBeCloseTo(0.3520245, 6)
    // ties are averaged
    expect(rankingOf({ scores: [1, 0, 0, 0, 1], relevance: [10, 0, 0, 1, 5] }, [1])?.ndcg[1]).toBeCloseTo(0.75, 9)
    // relevant at ranks 1, 3, 6, 10 of ten: Manning et al., precision after each
    const found = rankingOf({ scores: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], relevance: [1, 0, 1, 0, 0, 1, 0, 0, 0, 1] }, [5])
    expect(found?.averagePrecision).toBeCloseTo((1 + 2 / 3 + 3 / 6 + 4 / 10) / 4, 9)
    // mean reciprocal rank of ranks 3, 2, 1: 11/18
    const at = (rank: number) => rankingOf({ scores: [3, 2, 1], relevance: [1, 2, 3].map((r) => (r === rank ? 1 : 0)) }, [5])
    expect(ranker([at(3), at(2), at(1)], [5])()['mrr']).toBeCloseTo(11 / 18, 9)
  })

  test('[CMP-106] queries without a relevant row do not count, and not deciding gains nothing', () => {
    expect(rankingOf({ scores: [1, 2], relevance: [0, 0] }, [5])).toBeUndefined()
    expect(rankingOf({ scores: [1, 1, 1], relevance: [1, 0, 0] }, [5])).toMatchObject({ averagePrecision: 1 / 3, reciprocalRank: 1 / 3 })
    expect(ranker([undefined], [5])()).toEqual({})
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat(4)), { minLength: 1, maxLength: 12 }), (list) => {
        const one = rankingOf({ scores: list.map(([score]) => score), relevance: list.map(([, r]) => r) }, [3, 100])
        if (one === undefined) return
        for (const value of [...Object.values(one.ndcg), one.averagePrecision, one.reciprocalRank]) {
          expect(value).toBeGreaterThan(-1e-12)
          expect(value).toBeLessThan(1 + 1e-12)
        }
        const perfect = rankingOf({ scores: list.map(([, r]) => r), relevance: list.map(([, r]) => r) }, [3])
        expect(perfect?.ndcg[3]).toBeCloseTo(1, 9)
      }),
    )
  })
})

describe('how sure a figure is', () => {
  test('[CMP-107] Wilson intervals have their published values', () => {
    // Newcombe 1998, table I: 81 of 263 and 0 of 20
    expect(wilsonInterval(81, 263).low).toBeCloseTo(0.2553, 4)
    expect(wilsonInterval(81, 263).high).toBeCloseTo(0.3662, 4)
    expect(wilsonInterval(0, 20).high).toBeCloseTo(0.1611, 4)
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 })
  })

  test('[CMP-107] bootstrap intervals of a mean hold it about as often as they say', () => {
    const random = seededRandom(7)
    const worlds = 200
    let held = 0
    for (let w = 0; w < worlds; w++) {
      const values = Array.from({ length: 60 }, () => random.uniform())
      const means = Array.from({ length: 200 }, () => {
        const weights = resampled(60, random)
        return values.reduce((sum, x, i) => sum + x * must(weights[i], 'a weight'), 0) / 60
      })
      const { low, high } = percentileInterval(means, 0.9)
      if (low <= 0.5 && 0.5 <= high) held++
    }
    // binomial(200, 0.9) lies within 0.83 and 0.96 but for one seed in a thousand
    expect(held / worlds).toBeGreaterThan(0.83)
    expect(held / worlds).toBeLessThan(0.96)
  })

  test('[CMP-108] McNemar’s exact test is the binomial tail, and never says better where neither is', () => {
    const choose = (n: number, k: number): number => Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1)
    const tail = (n: number, from: number): number =>
      Array.from({ length: n - from + 1 }, (_, i) => choose(n, from + i)).reduce((a, b) => a + b, 0) / 2 ** n
    for (const [first, second] of [
      [9, 1],
      [5, 5],
      [0, 4],
      [30, 12],
      [1, 0],
    ] as const)
      expect(mcnemarBetter(first, second)).toBeCloseTo(tail(first + second, first), 9)
    // approval of a prime minister, Agresti 1990: 150 and 86 changed their mind
    expect(mcnemar(150, 86)).toBeLessThan(1e-4)
    expect(mcnemar(150, 86)).toBeCloseTo(2 * tail(236, 150), 9)
    expect(mcnemar(0, 0)).toBe(1)
  })
})
