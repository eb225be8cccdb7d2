import { describe, expect, test } from 'vitest'
import { normal, type Random, seededRandom } from '../../../shared/core/random.ts'
import { validateStatistics } from '../../../shared/data/anomalies.ts'
import { changeTestSchema } from '../../../shared/data/anomaly.ts'
import type { Scalar } from '../../../shared/data/columns.ts'
import { datasetSchema } from '../../../shared/data/schema.ts'
import { statisticsOfBatch } from '../../../shared/data/statistics.ts'

const COLOURS = ['red', 'red', 'red', 'green', 'green', 'blue']
type Shift = { readonly move?: number; readonly red?: number; readonly gaps?: number }

/** Rows of three kinds of features, two of each. */
function draw(random: Random, n: number, { move = 0, red = 0, gaps = 0.05 }: Shift = {}) {
  const column = (value: () => Scalar): Scalar[] => Array.from({ length: n }, value)
  const colour = () => (random.uniform() < red ? 'red' : COLOURS[random.integer(COLOURS.length)])
  return statisticsOfBatch({
    height: column(() => move + normal(random)),
    weight: column(() => Math.exp(normal(random))),
    colour: column(() => (random.uniform() < gaps ? null : colour())),
    size: column(() => random.integer(3)),
    code: column(() => `code ${random.integer(40)}`),
    count: column(() => Math.floor(Math.exp(4 + normal(random)))),
  })
}

const FEATURES = { height: 'float', weight: 'float', colour: 'string', size: 'int', code: 'string', count: 'int' }
const schemaWith = (significance: object) =>
  datasetSchema.parse({ features: Object.entries(FEATURES).map(([name, type]) => ({ name, type, drift: { significance } })) })

describe('[DAT-25] size-aware comparators', () => {
  test.each([
    [60, 60],
    [500, 80],
    [2000, 700],
  ])('[DAT-25] %i rows against %i of the same kind: any alarm with probability alpha at most', (n, m) => {
    const random = seededRandom(n + m)
    const schema = schemaWith({ alpha: 0.1, margin: 0 })
    const runs = 150
    let alarms = 0
    for (let run = 0; run < runs; run++)
      if (validateStatistics(draw(random, n), schema, { previous: draw(random, m) }).anomalies.length > 0) alarms++
    // three standard deviations above alpha
    expect(alarms).toBeLessThan(runs * 0.1 + 3 * Math.sqrt(runs * 0.09))
  })

  test.each<[string, Shift]>([
    ['height', { move: 0.5 }],
    ['colour', { red: 0.25 }],
    ['colour', { gaps: 0.3 }],
  ])('[DAT-25] a change of %s %o is named, with its sizes', (feature, shift) => {
    const random = seededRandom(7)
    const report = validateStatistics(draw(random, 800, shift), schemaWith({}), { previous: draw(random, 900) })
    expect(report.anomalies.map((each) => [each.feature, each.name])).toEqual([[feature, 'COMPARATOR_SIGNIFICANT_CHANGE']])
    expect(report.tests).toHaveLength(6)
    for (const each of report.tests) expect(changeTestSchema.parse(each)).toEqual(each)
    expect(report.anomalies[0]?.description).toMatch(
      /between 800 values and the 900 of the span before; chance alone .* \(false alarms over all features: 0.01\)$/,
    )
  })

  test('[DAT-25] a change that does not matter is not named, however many rows show it', () => {
    const random = seededRandom(3)
    const report = validateStatistics(draw(random, 20_000, { red: 0.08 }), schemaWith({}), { previous: draw(random, 20_000) })
    const colour = report.tests.find((each) => each.feature === 'colour')
    expect(colour?.p).toBeLessThan(1e-6)
    expect(colour?.changed).toBe(false)
    expect(report.anomalies).toEqual([])
  })
})
