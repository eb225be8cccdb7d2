import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { hypergeometricTail, logNoncentralNormalisers } from '../../../shared/stats/hypergeometric.ts'
import {
  addBatch,
  deviceTally,
  type OutcomeBatch,
  type RolloutEvidence,
  type RolloutTerms,
  rolloutEvidenceSchema,
  startRolloutEvidence,
  tallyDevices,
} from '../../../shared/stats/rollout-evidence.ts'
import { rolloutVerdict } from '../../../shared/stats/rollout-verdict.ts'
import { logChoose } from '../../../shared/stats/special-functions.ts'
import { binomial, median } from './draws.ts'

const batchOf = (candidate: [number, number], stable: [number, number]): OutcomeBatch => ({
  candidate: deviceTally({ devices: candidate[0], bad: candidate[1] }),
  stable: deviceTally({ devices: stable[0], bad: stable[1] }),
})

type World = { candidate: number; stable: number; base: number; odds: number; swing?: number }

/** One batch: the base rate swings over the day, the candidate has `odds` times the odds of a bad device. */
function draw(random: Random, hour: number, { candidate, stable, base, odds, swing = 0.4 }: World): OutcomeBatch {
  const p = base * (1 + swing * Math.sin((2 * Math.PI * hour) / 24))
  const worse = (odds * p) / (1 - p + odds * p)
  return batchOf([candidate, binomial(random, candidate, worse)], [stable, binomial(random, stable, p)])
}

/** Runs until decided or `batches` are over. */
function run(
  random: Random,
  world: World | ((hour: number) => World),
  batches: number,
  terms: Partial<RolloutTerms> = {},
): RolloutEvidence {
  let evidence = startRolloutEvidence(terms)
  for (let hour = 0; hour < batches; hour++) {
    evidence = addBatch(evidence, draw(random, hour, typeof world === 'function' ? world(hour) : world))
    if (rolloutVerdict(evidence).decision !== 'inconclusive') break
  }
  return evidence
}

const decision = (evidence: RolloutEvidence) => rolloutVerdict(evidence).decision

describe('[STA-15] evidence', () => {
  test('[STA-15] the normaliser is the sum over all tables, also where arms are empty', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(12), fc.nat(24), (candidate, stable, some) => {
        const bad = Math.min(some, candidate + stable)
        for (const psi of [0.5, 1, 3]) {
          let sum = 0
          for (let j = Math.max(0, bad - stable); j <= Math.min(bad, candidate); j++) {
            sum += Math.exp(logChoose(candidate, j) + logChoose(stable, bad - j) - logChoose(candidate + stable, bad)) * psi ** j
          }
          expect(logNoncentralNormalisers(candidate, stable, bad, [psi])[0]).toBeCloseTo(Math.log(sum), 9)
        }
      }),
    )
    // Fisher's lady tasting tea: 3 or more right of 4 has probability 17/70
    expect(hypergeometricTail(3, 4, 4, 4)).toBeCloseTo(17 / 70, 12)
  })

  test('[STA-15] the e-value of one batch is 1 on average over all outcomes of an equal candidate', () => {
    for (const [candidate, stable, bad] of [
      [5, 20, 6],
      [10, 3, 4],
      [1, 40, 2],
    ] as const) {
      let mean = 0
      for (let x = Math.max(0, bad - stable); x <= Math.min(bad, candidate); x++) {
        const probability = Math.exp(logChoose(candidate, x) + logChoose(stable, bad - x) - logChoose(candidate + stable, bad))
        mean +=
          probability * Math.exp(rolloutVerdict(addBatch(startRolloutEvidence(), batchOf([candidate, x], [stable, bad - x]))).logE.worse)
      }
      expect(mean).toBeCloseTo(1, 9)
    }
  })

  test('[STA-15] no traffic, one empty arm and no bad device say nothing against the candidate, and crash nothing', () => {
    for (const batch of [batchOf([0, 0], [0, 0]), batchOf([0, 0], [50, 5]), batchOf([50, 5], [0, 0]), batchOf([50, 0], [50, 0])]) {
      const evidence = addBatch(startRolloutEvidence(), batch)
      expect(rolloutVerdict(evidence).logE.worse).toBeCloseTo(0, 9)
      expect(decision(evidence)).toBe('inconclusive')
    }
  })

  test('[STA-15] batches count alike in any order, and the state survives JSON', () => {
    const random = seededRandom(3)
    const batches = Array.from({ length: 8 }, (_, hour) => draw(random, hour, { candidate: 12, stable: 40, base: 0.1, odds: 2 }))
    const forwards = batches.reduce(addBatch, startRolloutEvidence())
    const backwards = [...batches].reverse().reduce(addBatch, startRolloutEvidence())
    forwards.logWorse.forEach((log, i) => expect(backwards.logWorse[i]).toBeCloseTo(log, 9))
    expect(rolloutEvidenceSchema.parse(JSON.parse(JSON.stringify(forwards)))).toEqual(forwards)
  })

  test('[STA-16] a device counts once, however often it reports', () => {
    const batch = tallyDevices([
      { deviceId: 'a', arm: 'candidate', bad: false },
      { deviceId: 'a', arm: 'candidate', bad: true },
      { deviceId: 'a', arm: 'candidate', bad: true },
      { deviceId: 'b', arm: 'stable', bad: false },
      { deviceId: 'b', arm: 'candidate', bad: false },
    ])
    expect(batch).toEqual({ candidate: { devices: 1, bad: 1 }, stable: { devices: 1, bad: 0 } })
    // @ts-expect-error counts of events are not a tally of devices
    const events: OutcomeBatch = { candidate: { n: 10, bad: 3 }, stable: { n: 10, bad: 1 } }
    // @ts-expect-error nor is a literal of the same shape: it has to say that it counts devices, through deviceTally
    const literal: OutcomeBatch = { candidate: { devices: 10, bad: 3 }, stable: { devices: 10, bad: 1 } }
    expect([events, literal]).toHaveLength(2)
    expect(() => deviceTally({ devices: 3, bad: 4 })).toThrow(/bad ones among them/)
  })
})

describe('[STA-17] error rates', () => {
  test('[STA-17] an equal candidate is rolled back with probability alpha at most, looking after each of 100 batches, through a ramp', () => {
    const random = seededRandom(17)
    const runs = 1000
    const alpha = 0.05
    const sizes = [2, 5, 20, 50]
    let rolledBack = 0
    for (let i = 0; i < runs; i++) {
      const ramp = (hour: number): World => {
        const candidate = sizes[Math.min(3, Math.floor(hour / 25))] ?? 50
        return { candidate, stable: 100 - candidate, base: 0.05, odds: 1 }
      }
      // beta so small that promotion does not end the run early
      if (decision(run(random, ramp, 100, { alpha, beta: 1e-9 })) === 'rollback') rolledBack++
    }
    expect(rolledBack / runs).toBeLessThan(alpha + 2 * Math.sqrt((alpha * (1 - alpha)) / runs))
    expect(rolledBack).toBeGreaterThan(0)
  })

  test('[STA-17] a candidate at the bound psiMax is promoted with probability beta at most', () => {
    const random = seededRandom(18)
    const runs = 600
    let promoted = 0
    for (let i = 0; i < runs; i++) {
      // alpha so small that a rollback does not end the run early; at the bound the base rate does not swing inside a batch
      if (
        decision(run(random, { candidate: 20, stable: 80, base: 0.08, odds: 2 }, 60, { alpha: 1e-300, beta: 0.1, psiMax: 2 })) === 'promote'
      )
        promoted++
    }
    expect(promoted / runs).toBeLessThan(0.1 + 2 * Math.sqrt(0.09 / runs))
  })
})

describe('[STA-18] power', () => {
  const devicesNeeded = (world: World, runs: number, seed: number) => {
    const random = seededRandom(seed)
    return median(Array.from({ length: runs }, () => run(random, world, 400, { beta: 1e-9 }).candidate.devices))
  }

  test('[STA-18] the devices needed stay near the published table', () => {
    // 10 % canary, base 5 %, alpha 1 %: 300 candidate devices for twice the odds and 100 for three times in the table of five odds ratios;
    // two more ratios in the mixture cost ln(7/5) of evidence
    expect(devicesNeeded({ candidate: 10, stable: 90, base: 0.05, odds: 2 }, 120, 21)).toBeLessThan(420)
    expect(devicesNeeded({ candidate: 10, stable: 90, base: 0.05, odds: 3 }, 120, 22)).toBeLessThan(150)
  })

  test('[STA-18] a candidate that breaks nearly everywhere is found after a handful of devices', () => {
    expect(devicesNeeded({ candidate: 1, stable: 9, base: 0.02, odds: 900, swing: 0 }, 200, 23)).toBeLessThanOrEqual(5)
    // all in one batch: 6 of 6 candidate devices against 1 of 60
    expect(decision(addBatch(startRolloutEvidence(), batchOf([6, 6], [60, 1])))).toBe('rollback')
  })

  test('[STA-18] an equal candidate is promoted, and the estimate of how many devices that takes is of the right size', () => {
    const random = seededRandom(24)
    const world = { candidate: 10, stable: 90, base: 0.05, odds: 1 }
    const start = addBatch(startRolloutEvidence(), draw(random, 0, { ...world, candidate: 100, stable: 900 }))
    const estimate = (rolloutVerdict(start).needMore?.candidate ?? 0) + 100
    const needed = median(Array.from({ length: 60 }, () => run(random, world, 300, { alpha: 1e-9 }).candidate.devices))
    expect(needed).toBeGreaterThan(100)
    expect(needed).toBeLessThan(400)
    expect(estimate / needed).toBeGreaterThan(0.4)
    expect(estimate / needed).toBeLessThan(2.5)
  })
})

describe('[STA-19] sentences', () => {
  test('[STA-19] say what was seen, what it means, and what is still needed', () => {
    const back = rolloutVerdict(addBatch(startRolloutEvidence(), batchOf([20, 12], [180, 9])))
    expect(back.decision).toBe('rollback')
    expect(back.needMore).toBeNull()
    expect(back.sentence).toMatch(
      /^Roll back: 12 of 20 candidate devices were bad \(60 %\), 9 of 180 stable ones \(5 %\); an equal candidate .* probability .*e-\d+ at most \(limit 0.01\)\.$/,
    )
    const open = rolloutVerdict(startRolloutEvidence())
    expect(open.sentence).toMatch(
      /^Not decided: 0 of 0 candidate devices were bad \(none\), .* need about \d+ more devices, \d+ of them with the candidate/,
    )
    const go = rolloutVerdict(addBatch(startRolloutEvidence(), batchOf([2000, 100], [2000, 100])))
    expect(go.sentence).toMatch(/^Promote: 100 of 2000 .* 2 times the odds .* \(limit 0.05\)\.$/)
  })

  test('[STA-19] a decision once reached stands', () => {
    const bad = addBatch(startRolloutEvidence(), batchOf([20, 12], [180, 9]))
    const later = Array.from({ length: 20 }, () => batchOf([50, 2], [50, 2])).reduce(addBatch, bad)
    expect(decision(later)).toBe('rollback')
  })
})
