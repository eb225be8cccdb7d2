import { describe, expect, test } from 'vitest'
import { asIs } from '../../../shared/compute/examples.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { evaluateRows } from '../../../server/pipeline/data/evaluate-rows.ts'
import { metricsDocument } from '../../../server/pipeline/data/metrics-document.ts'

const COUNT = 600
const random = seededRandom(4)
const targets = Float32Array.from({ length: COUNT }, () => 100 + 20 * normal(random))
const split = {
  examples: { data: new Float32Array(COUNT), shape: [COUNT, 1] },
  labels: targets,
  transform: asIs,
  groups: {
    airport: Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? 'far' : 'near')),
    query: Array.from({ length: COUNT }, (_, i) => `q${Math.floor(i / 10)}`),
  },
  unknown: 0,
}
const common = { labels: [], minRows: 10, resamples: 200, confidence: 0.95, seed: 1 }

describe('evaluation', () => {
  test('[PIP-157] of a regression has slices and intervals, which hold the true error', () => {
    const errors = Float32Array.from(targets, (_, i) => normal(random) * (i % 3 === 0 ? 8 : 2))
    const answers = { values: Float32Array.from(targets, (value, i) => value + (errors[i] ?? 0)), width: 1 }
    const metrics = metricsDocument.parse(evaluateRows({ ...common, task: 'regression', answers, split, by: [['airport']] }))
    // the mean of |N(0, s)| is s * sqrt(2 / pi)
    for (const [slice, deviation] of [
      ['airport=far', 8],
      ['airport=near', 2],
    ] as const) {
      const found = metrics.slices.find((one) => one.slice === slice)
      expect(found?.intervals['mae']?.low).toBeLessThan(deviation * Math.sqrt(2 / Math.PI))
      expect(found?.intervals['mae']?.high).toBeGreaterThan(deviation * Math.sqrt(2 / Math.PI))
    }
    expect(metrics.figures['r2']).toBeGreaterThan(0.9)
    expect(metrics).toMatchObject({ task: 'regression', confusion: [], roc: [], byLabel: [] })
    expect(evaluateRows({ ...common, task: 'regression', answers, split, by: [['airport']] })).toEqual(metrics)
  })

  test('[PIP-157] of a ranking goes by query; its intervals are wider than if rows were independent', () => {
    const relevance = Float32Array.from({ length: COUNT }, () => (random.uniform() < 0.3 ? 1 : 0))
    const values = Float32Array.from(relevance, (one) => one + normal(random))
    const ranking = { group: 'query', cuts: [5] }
    const metrics = evaluateRows({
      ...common,
      task: 'ranking',
      answers: { values, width: 1 },
      split: { ...split, labels: relevance },
      ranking,
      by: [],
    })
    expect(Object.keys(metrics.figures)).toEqual(['ndcg@5', 'map', 'mrr'])
    expect(metrics.figures['mrr']).toBeGreaterThan(0.6)
    expect(metrics.figures['mrr']).toBeLessThan(1)
    const { low = 0, high = 0 } = metrics.intervals['mrr'] ?? {}
    expect(low).toBeLessThan(metrics.figures['mrr'] ?? 0)
    // sixty queries, whose reciprocal ranks spread by about a third
    expect(high - low).toBeGreaterThan(0.08)
    expect(() =>
      evaluateRows({ ...common, task: 'ranking', answers: { values, width: 1 }, split, ranking: { group: 'nowhere', cuts: [5] } }),
    ).toThrow(/sliceBy of the prepare step/)
  })
})
