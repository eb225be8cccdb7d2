import { describe, expect, test } from 'vitest'
import { asIs } from '../../../shared/compute/examples.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import type { Subject } from '../../../server/pipeline/data/measured.ts'
import { pairedGain } from '../../../server/pipeline/data/paired-gain.ts'
import { examineSegments } from '../../../server/pipeline/data/segments.ts'
import { signatureChanges } from '../../../server/pipeline/data/signature-change.ts'
import { slicesOf } from '../../../server/pipeline/data/slices.ts'
import type { SplitExamples } from '../../../server/pipeline/data/split-examples.ts'
import { segmentRules } from '../../../server/pipeline/segment-gate.ts'

const REGIONS = ['north', 'south', 'east', 'west']

function rowsOf(count: number, regions: readonly string[], random: Random): SplitExamples {
  return {
    examples: { data: new Float32Array(count), shape: [count, 1] },
    labels: Int32Array.from({ length: count }, () => random.integer(2)),
    transform: asIs,
    groups: {
      region: Array.from({ length: count }, (_, i) => regions[i % regions.length] ?? ''),
      day: Array.from({ length: count }, () => (random.integer(2) === 0 ? 'weekday' : 'weekend')),
    },
    unknown: 0,
  }
}

/** A model that is right with some probability, which may depend on the region; half of its luck is the row's own, so that two models err together. */
function model(split: SplitExamples, accuracy: (region: string) => number, luck: readonly number[], random: Random): Subject {
  const values = new Float32Array(split.labels.length * 2)
  for (const [i, label] of split.labels.entries()) {
    const shared = random.uniform() < 0.5 ? (luck[i] ?? 0) : random.uniform()
    const answer = shared < accuracy(split.groups['region']?.[i] ?? '') ? label : 1 - label
    values[i * 2 + answer] = 0.9
    values[i * 2 + 1 - answer] = 0.1
  }
  return { task: 'classification', answers: { values, width: 2 }, split }
}

function world(seed: number, accuracy: (region: string) => number, count = 4000, regions = REGIONS) {
  const random = seededRandom(seed)
  const split = rowsOf(count, regions, random)
  const luck = Array.from({ length: count }, () => random.uniform())
  return { live: model(split, () => 0.85, luck, random), candidate: model(split, accuracy, luck, random) }
}
const rules = (more: object = {}) => segmentRules.parse({ by: [['region']], ...more })
const right = ({ answers, split }: Subject) =>
  Array.from(split.labels).filter((label, i) => (answers.values[i * 2 + label] ?? 0) > 0.5).length

describe('segments', () => {
  test('[PIP-163] a candidate that is better over all and worse in one region is refused, with the region and its evidence', () => {
    const { live, candidate } = world(1, (region) => (region === 'south' ? 0.72 : 0.93))
    expect(right(candidate)).toBeGreaterThan(right(live))
    const { checks, evidence } = examineSegments(candidate, live, { rules: rules(), resamples: 200, seed: 1 })
    expect(checks.map(({ ok, slice }) => [ok, slice])).toEqual([[false, 'region=south']])
    expect(checks[0]?.why).toMatch(
      /^accuracy of region=south is 0\.7\d* \(1000 rows\), the live version has 0\.8\d* there: more than the 0 .*p < 0.0001/,
    )
    expect(evidence.find(({ slice }) => slice === 'region=south')).toMatchObject({
      count: 1000,
      candidate: expect.any(Number),
      live: expect.any(Number),
    })
    // one that is better everywhere passes
    const good = world(2, () => 0.93)
    expect(examineSegments(good.candidate, good.live, { rules: rules(), resamples: 200, seed: 1 }).checks).toMatchObject([
      { ok: true, why: expect.stringMatching(/all 4 segments/) },
    ])
  })

  test('[PIP-163] without a live version a region far behind the whole is refused; a loss or a gap that is allowed is not', () => {
    const { live, candidate } = world(3, (region) => (region === 'south' ? 0.72 : 0.93))
    const alone = (more: object) => examineSegments(candidate, undefined, { rules: rules(more), resamples: 200, seed: 1 }).checks
    expect(alone({ allowedGap: 0.05 })).toMatchObject([{ ok: false, slice: 'region=south', why: expect.stringMatching(/over all it is/) }])
    expect(alone({ allowedGap: 0.2 })).toMatchObject([{ ok: true }])
    const compared = (more: object) => examineSegments(candidate, live, { rules: rules(more), resamples: 200, seed: 1 }).checks
    expect(compared({ allowedLoss: 0.05 })).toMatchObject([{ ok: false }])
    expect(compared({ allowedLoss: 0.2 })).toMatchObject([{ ok: true }])
    expect(compared({ metric: 'logLoss', direction: 'lower-is-better' })).toMatchObject([{ ok: false, slice: 'region=south' }])
  })

  test('[PIP-163] fails closed where no segment has enough rows', () => {
    const { live, candidate } = world(4, () => 0.9, 40)
    expect(examineSegments(candidate, live, { rules: rules({ minCount: 50 }), resamples: 100, seed: 1 }).checks).toMatchObject([
      { ok: false, why: expect.stringMatching(/no segment by region has 50 test rows/) },
    ])
  })

  test('[PIP-163] among twenty segments of an equally good candidate the gate errs no more often than it says', () => {
    const regions = Array.from({ length: 20 }, (_, i) => `r${i}`)
    const worlds = 150
    let refused = 0
    for (let seed = 0; seed < worlds; seed++) {
      const { live, candidate } = world(seed, () => 0.85, 1000, regions)
      if (examineSegments(candidate, live, { rules: rules(), resamples: 100, seed }).checks.some(({ ok }) => !ok)) refused++
    }
    // binomial(150, 0.05) is below 17 but for one seed in a thousand
    expect(refused).toBeLessThan(17)
  })

  test('[PIP-164] the paired interval holds the true gain, and is narrower than what unpaired samples would say', () => {
    const { live, candidate } = world(5, () => 0.89)
    const rows = Int32Array.from(candidate.split.labels, (_, i) => i)
    const paired = pairedGain(
      { candidate, other: live, rows },
      { metric: 'accuracy', higher: true, resamples: 400, seed: 1, confidence: 0.95 },
    )
    expect(paired?.low).toBeGreaterThan(0)
    expect(paired?.low).toBeLessThan(0.04)
    expect(paired?.high).toBeGreaterThan(0.04)
    expect(paired?.mcnemar?.p).toBeLessThan(0.01)
    const unpaired = 2 * 1.96 * Math.sqrt((0.89 * 0.11 + 0.85 * 0.15) / rows.length)
    expect((paired?.high ?? 1) - (paired?.low ?? 0)).toBeLessThan(unpaired * 0.95)
    expect(
      pairedGain({ candidate, other: live, rows }, { metric: 'accuracy', higher: true, resamples: 400, seed: 1, confidence: 0.95 }),
    ).toEqual(paired)
    const unknown = { metric: 'mae', higher: false, resamples: 100, seed: 1, confidence: 0.95 }
    expect(pairedGain({ candidate, other: live, rows }, unknown)).toBeUndefined()
  })

  test('[PIP-156] slices are cut by columns alone or crossed; small ones and those beyond 200 are passed over and counted', () => {
    const split = rowsOf(400, REGIONS, seededRandom(1))
    const crossed = slicesOf(split, { labels: ['no', 'yes'], by: [['region', 'day']], minRows: 40 })
    expect(crossed.slices.map(({ name }) => name).slice(0, 3)).toEqual(['label=no', 'label=yes', 'region=east & day=weekday'])
    expect(crossed.slices.slice(2).length + (crossed.passedOver['region & day'] ?? 0)).toBe(8)
    const ids = { ...split, groups: { id: Array.from({ length: 400 }, (_, i) => `row ${i}`) } }
    expect(slicesOf(ids, { labels: [], minRows: 1 })).toMatchObject({ slices: { length: 200 }, passedOver: { id: 200 } })
    const blank = { ...split, groups: { region: split.labels.length === 0 ? [] : Array.from(split.labels, () => '') } }
    expect(slicesOf(blank, { labels: [], minRows: 1 }).slices).toEqual([])
  })

  test('[PIP-166] an input that apps do not send, or a label that they do not know, is a change of signature; fewer inputs are not', () => {
    const numbers = (...names: string[]) => names.map((input) => ({ kind: 'passthrough' as const, input, missing: 0 }))
    const live = { transforms: numbers('a', 'b'), labels: ['no', 'yes'] }
    expect(signatureChanges(live, live)).toEqual([])
    expect(signatureChanges({ ...live, transforms: numbers('a') }, live)).toEqual([])
    expect(signatureChanges({ ...live, transforms: numbers('a', 'c') }, live)).toEqual(['it takes c, which apps do not send yet'])
    expect(signatureChanges({ ...live, labels: ['no', 'yes', 'maybe'] }, live)[0]).toMatch(
      /its labels are no, yes, maybe, apps know no, yes/,
    )
    const image = (height: number) => ({
      kind: 'image-scale' as const,
      input: 'pixels',
      height,
      width: 8,
      channels: 1,
      mean: [0],
      deviation: [1],
    })
    expect(signatureChanges({ ...live, transforms: [image(16)] }, { ...live, transforms: [image(8)] })).toEqual([
      'it takes pixels (16x8x1), which apps do not send yet',
    ])
  })
})
