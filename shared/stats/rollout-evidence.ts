import * as z from 'zod/mini'
import { assert } from '../core/assert.ts'
import type { Brand } from '../core/brand.ts'
import { logNoncentralNormalisers } from './hypergeometric.ts'
import { countSchema } from './numeric-reference.ts'
import { logMeanExp } from './special-functions.ts'

/**
 * Evidence that a candidate is worse than the stable version, valid at every look. In each batch (one hour, one stage of the ramp) the share of bad
 * devices in both arms together is taken as given, so base rates may change from hour to hour and stage to stage. Given it, the number of bad
 * devices in the candidate's arm is hypergeometric if the versions are equal (Fisher's exact test); the ratio to its noncentral form with odds ratio psi is
 * an e-value. Products over batches, mean over psi; by Ville's inequality the probability of ever rolling back an equal candidate is at most alpha.
 *
 * Evidence for promotion is the same with the bound psiMax as its null. That one is exact where devices of one batch share a base rate: where cohorts differ
 * much (backends, locales), give each cohort its own batch.
 *
 * The unit is the device, once per rollout: a device that fails ten times is one bad device. Events of one device depend on each other, and counting
 * them as if they did not gives 16 % false rollbacks where 1 % was promised.
 */
export type DeviceOutcome = { readonly deviceId: string; readonly arm: 'candidate' | 'stable'; readonly bad: boolean }

/** Distinct devices of one arm, and how many of them were bad. Made from device outcomes, or from a query that counts distinct devices. */
export type DeviceTally = Brand<{ readonly devices: number; readonly bad: number }, 'DeviceTally'>
export type OutcomeBatch = { readonly candidate: DeviceTally; readonly stable: DeviceTally }

/** Counts of distinct devices, never of events. */
export function deviceTally(counts: { readonly devices: number; readonly bad: number }): DeviceTally {
  const { devices, bad } = counts
  assert(
    Number.isSafeInteger(devices) && Number.isSafeInteger(bad) && bad >= 0 && bad <= devices,
    'a tally counts devices, bad ones among them',
  )
  return { devices, bad } as DeviceTally
}

/** A batch from what each device reported. A device named more than once counts once: bad if it ever was, in the arm it was first seen in. */
export function tallyDevices(outcomes: Iterable<DeviceOutcome>): OutcomeBatch {
  const devices = new Map<string, { arm: DeviceOutcome['arm']; bad: boolean }>()
  for (const { deviceId, arm, bad } of outcomes) {
    const seen = devices.get(deviceId)
    if (seen === undefined) devices.set(deviceId, { arm, bad })
    else seen.bad ||= bad
  }
  const tally = (arm: DeviceOutcome['arm']) => {
    const mine = [...devices.values()].filter((device) => device.arm === arm)
    return deviceTally({ devices: mine.length, bad: mine.filter((device) => device.bad).length })
  }
  return { candidate: tally('candidate'), stable: tally('stable') }
}

export const rolloutTermsSchema = z.strictObject({
  /** Bound on the probability of rolling back a candidate that is no worse. */
  alpha: z.number().check(z.gt(0), z.lt(1)),
  /** Bound on the probability of promoting a candidate whose odds of a bad device are psiMax times those of the stable version. */
  beta: z.number().check(z.gt(0), z.lt(1)),
  psiMax: z.number().check(z.gt(1)),
})

export type RolloutTerms = z.infer<typeof rolloutTermsSchema>

export const DEFAULT_TERMS: RolloutTerms = { alpha: 0.01, beta: 0.05, psiMax: 2 }

/** Odds ratios looked for: small ones need many devices; 10 and 30 find a broken candidate after a few. */
export const WORSE = [1.25, 1.5, 2, 3, 5, 10, 30] as const
/** Odds ratios that speak for promotion: equal, and a little better. */
const NO_WORSE = [1, 0.8] as const

const tallySchema = z.strictObject({ devices: countSchema, bad: countSchema })

/** All that has to be kept of a rollout's evidence between batches; plain JSON. */
export const rolloutEvidenceSchema = z.strictObject({
  terms: rolloutTermsSchema,
  batches: countSchema,
  candidate: tallySchema,
  stable: tallySchema,
  /** ln of the product of e-values, for each odds ratio of WORSE. */
  logWorse: z.array(z.number()).check(z.length(WORSE.length)),
  logNoWorse: z.array(z.number()).check(z.length(NO_WORSE.length)),
  /** The highest ln E that was reached: evidence once gained is not lost again. */
  peakWorse: z.number(),
  peakNoWorse: z.number(),
})

export type RolloutEvidence = z.infer<typeof rolloutEvidenceSchema>

export const startRolloutEvidence = (terms: Partial<RolloutTerms> = {}): RolloutEvidence => ({
  terms: { ...DEFAULT_TERMS, ...terms },
  batches: 0,
  candidate: { devices: 0, bad: 0 },
  stable: { devices: 0, bad: 0 },
  logWorse: WORSE.map(() => 0),
  logNoWorse: NO_WORSE.map(() => 0),
  peakWorse: 0,
  peakNoWorse: 0,
})

/** The evidence after one more closed batch. A batch with one arm empty, or with no bad device, changes counts but no evidence against the candidate. */
export function addBatch(evidence: RolloutEvidence, batch: OutcomeBatch): RolloutEvidence {
  const { candidate, stable } = batch
  const bad = candidate.bad + stable.bad
  const { psiMax } = evidence.terms
  const logZ = logNoncentralNormalisers(candidate.devices, stable.devices, bad, [...WORSE, ...NO_WORSE, psiMax])
  const logZMax = logZ[WORSE.length + NO_WORSE.length] ?? 0
  const logWorse = WORSE.map((psi, i) => (evidence.logWorse[i] ?? 0) + candidate.bad * Math.log(psi) - (logZ[i] ?? 0))
  const logNoWorse = NO_WORSE.map(
    (psi, i) => (evidence.logNoWorse[i] ?? 0) + candidate.bad * Math.log(psi / psiMax) + logZMax - (logZ[WORSE.length + i] ?? 0),
  )
  return {
    terms: evidence.terms,
    batches: evidence.batches + 1,
    candidate: { devices: evidence.candidate.devices + candidate.devices, bad: evidence.candidate.bad + candidate.bad },
    stable: { devices: evidence.stable.devices + stable.devices, bad: evidence.stable.bad + stable.bad },
    logWorse,
    logNoWorse,
    peakWorse: Math.max(evidence.peakWorse, logMeanExp(logWorse)),
    peakNoWorse: Math.max(evidence.peakNoWorse, logMeanExp(logNoWorse)),
  }
}
