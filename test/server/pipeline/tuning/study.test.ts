import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../../../shared/core/json.ts'
import { must } from '../../../../shared/core/assert.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { mcnemarBetter } from '../../../../shared/stats/paired-test.ts'
import { promotableSoon, rungsOf } from '../../../../server/pipeline/tuning/halving.ts'
import { fromUnit, type Point, randomPoint, searchSpace, toUnit } from '../../../../server/pipeline/tuning/search-space.ts'
import { createStudy, type JobResult, type StudyOptions, type Trial } from '../../../../server/pipeline/tuning/study.ts'

/** Branin's function, scaled to [0, 1]^2, with one of three optimizers of which only one lets it reach its minimum (0.397887), and a dimension that exists for another only. */
const space = searchSpace.parse({
  x: { kind: 'uniform', low: -5, high: 10 },
  y: { kind: 'uniform', low: 0, high: 15 },
  optimizer: { kind: 'choice', values: ['sgd', 'adam', 'none'] },
  momentum: { kind: 'uniform', low: 0, high: 1, when: { name: 'optimizer', is: ['sgd'] } },
})
function branin(point: Point): number {
  const [x, y] = [Number(point['x']), Number(point['y'])]
  const value = (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
  return value + (point['optimizer'] === 'adam' ? 0 : point['optimizer'] === 'sgd' ? 3 * Number(point['momentum']) + 1 : 20)
}

const options = (more: Partial<StudyOptions> = {}): StudyOptions => ({
  space,
  trials: 60,
  sampler: { kind: 'tpe', startup: 10, candidates: 24 },
  halving: null,
  epochs: 1,
  patience: null,
  seed: 1,
  ...more,
})

function runStudy(given: StudyOptions, score: (point: Point, epochs: number) => JobResult, parallel = 1) {
  const study = createStudy(given)
  let epochs = 0
  const had = new Map<number, number>()
  for (let jobs = study.ask(parallel); jobs.length > 0; jobs = study.ask(parallel))
    for (const job of jobs) {
      epochs += job.epochs - (had.get(job.number) ?? 0)
      had.set(job.number, job.epochs)
      study.tell(job, score(job.point, job.epochs))
    }
  return { study, epochs, best: study.best() as Trial }
}
const seeds = Array.from({ length: 40 }, (_, i) => i)

describe('search spaces', () => {
  test('[PIP-170] every draw lies in its range, exists where its condition holds, and is of its kind', () => {
    const wide = searchSpace.parse({
      rate: { kind: 'log-uniform', low: 1e-5, high: 1 },
      units: { kind: 'integer', low: 3, high: 7 },
      width: { kind: 'integer', low: 1, high: 512, log: true },
      kind: ['a', { b: 1 }],
      inner: { kind: 'uniform', low: -1, high: 1, when: { name: 'kind', is: [{ b: 1 }] } },
    })
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const point = randomPoint(wide, seededRandom(seed))
        expect(Number(point['rate'])).toBeGreaterThanOrEqual(1e-5)
        expect(Number(point['rate'])).toBeLessThanOrEqual(1)
        expect([3, 4, 5, 6, 7]).toContain(point['units'])
        expect(Number.isInteger(point['width'])).toBe(true)
        expect('inner' in point).toBe(typeof point['kind'] === 'object')
      }),
    )
    const rates = Array.from({ length: 2000 }, (_, i) => Number(randomPoint(wide, seededRandom(i))['rate']))
    // as many below the geometric middle as above it: binomial(2000, 1/2)
    expect(rates.filter((rate) => rate < Math.sqrt(1e-5)).length).toBeGreaterThan(900)
    expect(rates.filter((rate) => rate < Math.sqrt(1e-5)).length).toBeLessThan(1100)
  })

  test('[PIP-170] a number and its place between 0 and 1 say the same', () => {
    const dimensions = [
      { kind: 'uniform', low: -3, high: 8 },
      { kind: 'log-uniform', low: 1e-4, high: 10 },
      { kind: 'integer', low: 2, high: 9, log: false },
      { kind: 'integer', low: 1, high: 300, log: true },
    ] as const
    fc.assert(
      fc.property(fc.constantFrom(...dimensions), fc.double({ min: 0, max: 0.999999, noNaN: true }), (one, share) => {
        const value = fromUnit(one, share)
        const again = fromUnit(one, toUnit(one, value))
        expect(Math.abs(again - value)).toBeLessThan(1e-9 * (1 + Math.abs(value)))
      }),
    )
  })

  test('[PIP-171] a space that contradicts itself is refused with the place', () => {
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ a: { kind: 'uniform', low: 2, high: 1 } }, /low \(2\) must be below high \(1\)/],
      [{ a: { kind: 'uniform', low: 0, high: 1, when: { name: 'b', is: [1] } } }, /depends on b, which is not searched/],
      [
        {
          a: { kind: 'choice', values: [1], when: { name: 'b', is: [1] } },
          b: { kind: 'choice', values: [1], when: { name: 'a', is: [1] } },
        },
        /depends on itself/,
      ],
      [{ a: { kind: 'log-uniform', low: 0, high: 1 } }, /Too small/],
      [{ 'a b': [1] }, /place in the recipe/],
      [{ a: [] }, /./],
    ]
    for (const [given, what] of wrong) expect(JSON.stringify(searchSpace.safeParse(given).error?.issues)).toMatch(what)
  })
})

describe('tuning', () => {
  test('[PIP-172] TPE finds a better point than random search with as many trials, in most of forty searches', () => {
    const score = (point: Point): JobResult => ({ score: -branin(point) })
    const [tpe, random] = [[], []] as [number[], number[]]
    for (const seed of seeds) {
      tpe.push(-must(runStudy(options({ seed }), score).best.scores[0], 'a score'))
      random.push(-must(runStudy(options({ seed, sampler: { kind: 'random' } }), score).best.scores[0], 'a score'))
    }
    const better = tpe.filter((value, i) => value < must(random[i], 'a value')).length
    // the sign test: by chance alone at most one in ten thousand
    expect(mcnemarBetter(better, seeds.length - better)).toBeLessThan(1e-4)
    const median = (values: number[]) => must([...values].sort((a, b) => a - b)[20], 'the median')
    expect(median(tpe) - 0.397887).toBeLessThan((median(random) - 0.397887) / 2)
  })

  test('[PIP-173] successive halving finds a better trial than whole ones within the same number of epochs', () => {
    // a learning curve: how good it becomes, and how fast; noise where it has had few epochs
    const curves = searchSpace.parse({ quality: { kind: 'uniform', low: 0, high: 1 }, speed: { kind: 'uniform', low: 3, high: 12 } })
    const score = (point: Point, epochs: number): JobResult => ({
      score: Number(point['quality']) * (1 - Math.exp(-epochs / Number(point['speed']))),
    })
    for (const kind of ['halving', 'asha'] as const) {
      const [halved, whole] = [[], []] as [number[], number[]]
      for (const seed of seeds) {
        const common = { space: curves, sampler: { kind: 'random' }, epochs: 81, seed } as const
        const one = runStudy(options({ ...common, trials: 81, halving: { kind, reduction: 3, least: 3 } }), score)
        halved.push(must(one.best.scores.at(-1), 'a score'))
        whole.push(must(runStudy(options({ ...common, trials: Math.ceil(one.epochs / 81) }), score).best.scores[0], 'a score'))
      }
      const better = halved.filter((value, i) => value > must(whole[i], 'a value')).length
      expect(mcnemarBetter(better, halved.filter((value, i) => value < must(whole[i], 'a value')).length), kind).toBeLessThan(1e-4)
    }
  })

  test('[PIP-173] of the trials at a rung at most one in `reduction` goes on, the best first', () => {
    expect(rungsOf({ reduction: 3, least: 1, most: 20 })).toEqual([1, 3, 9, 20])
    expect(rungsOf({ reduction: 2, least: 5, most: 5 })).toEqual([5])
    const climbers = [0.1, 0.9, 0.5, 0.7].map((score, number) => ({ number, scores: [score] }))
    expect(promotableSoon(climbers, new Set(), 3, 2)).toBe(1)
    expect(promotableSoon(climbers, new Set([1]), 3, 2)).toBe(3)
    expect(promotableSoon(climbers.slice(0, 1), new Set(), 3, 2)).toBeUndefined()
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2, max: 4 }), (seed, parallel, reduction) => {
        const random = seededRandom(seed)
        const { study } = runStudy(
          options({ seed, trials: 30, epochs: 27, halving: { kind: 'halving', reduction, least: 1 } }),
          () => ({ score: random.uniform() }),
          parallel,
        )
        const reached = rungsOf({ reduction, least: 1, most: 27 }).map(
          (_, rung) => study.trials.filter(({ scores }) => scores.length > rung).length,
        )
        for (const [rung, count] of reached.entries())
          if (rung > 0) expect(count).toBe(Math.max(1, Math.floor(must(reached[rung - 1], 'a rung') / reduction)))
        expect(study.trials.every(({ state }) => state === 'complete' || state === 'pruned')).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('[PIP-174] the same seed asks for the same points; told again what is known, a killed search goes on where it was', () => {
    const score = (point: Point, epochs: number): JobResult => ({ score: -branin(point) - 1 / epochs })
    const halved = options({ trials: 25, epochs: 9, halving: { kind: 'asha', reduction: 3, least: 1 } })
    for (const parallel of [1, 3]) {
      const [a, b] = [runStudy(halved, score, parallel), runStudy(halved, score, parallel)]
      expect(b.study.trials).toEqual(a.study.trials)
      expect(runStudy({ ...halved, seed: 2 }, score, parallel).study.trials).not.toEqual(a.study.trials)
      // killed after 17 results
      const known = new Map<string, JobResult>()
      const remember = (point: Point, epochs: number): JobResult => {
        const key = `${JSON.stringify(point)} ${epochs}`
        const result = known.get(key)
        if (result !== undefined) return result
        done++
        if (known.size < 17) known.set(key, score(point, epochs))
        return score(point, epochs)
      }
      let done = 0
      runStudy(halved, remember, parallel)
      const first = done
      done = 0
      expect(runStudy(halved, remember, parallel).study.trials).toEqual(a.study.trials)
      expect(done).toBe(first - 17)
    }
  })

  test('[PIP-175] a trial that fails is kept with its reason and never the best, and the search goes on', () => {
    const score = (point: Point): JobResult => (Number(point['x']) < 0 ? { error: 'it diverged' } : { score: -branin(point) })
    const { study, best } = runStudy(options({ trials: 30 }), score)
    expect(study.trials).toHaveLength(30)
    const failed = study.trials.filter(({ state }) => state === 'failed')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.every(({ error, point }) => error === 'it diverged' && Number(point['x']) < 0)).toBe(true)
    expect(best.state).toBe('complete')
    // they are learnt from: later trials keep away from where it failed
    expect(failed.filter(({ number }) => number >= 15).length).toBeLessThan(failed.length)
    const hopeless = runStudy(options({ trials: 5 }), () => ({ error: 'always' }))
    expect(hopeless.study.trials).toHaveLength(5)
    expect(hopeless.best).toBeUndefined()
  })

  test('[PIP-176] the search ends early once `patience` trials were no better', () => {
    const flat = (): JobResult => ({ score: 1 })
    const study = createStudy(options({ trials: 50, patience: 6, sampler: { kind: 'random' } }))
    for (let jobs = study.ask(1); jobs.length > 0; jobs = study.ask(1)) for (const job of jobs) study.tell(job, flat())
    expect(study.trials).toHaveLength(7)
    expect(study.best()?.number).toBe(0)
    const values: Json[] = study.trials.map(({ state }) => state)
    expect(new Set(values)).toEqual(new Set(['complete']))
  })
})
