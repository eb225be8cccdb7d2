import { type RolloutEvidence, WORSE } from './rollout-evidence.ts'
import { logMeanExp } from './special-functions.ts'

export type RolloutVerdict = {
  readonly decision: 'rollback' | 'promote' | 'inconclusive'
  /** e-values as natural logarithms, now and at their peak; a decision is taken at the peak. */
  readonly logE: { readonly worse: number; readonly worsePeak: number; readonly noWorse: number; readonly noWorsePeak: number }
  /** Valid at any look: min(1, 1/E) at the peak. */
  readonly pWorse: number
  readonly pTooBad: number
  /** The odds ratio that explains the evidence best, among those looked for. */
  readonly likeliestOddsRatio: number
  /** More devices, about, until an equal candidate could be promoted, at the present share of bad devices and split; null once decided. */
  readonly needMore: { readonly candidate: number; readonly total: number } | null
  readonly sentence: string
}

/** Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats. */
const divergence = (p: number, q: number): number => {
  const term = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b))
  return term(p, q) + term(1 - p, 1 - q)
}

/**
 * For an equal candidate each bad device falls into its arm with probability w (the arm's share of devices), where the bound psiMax says
 * w psiMax / (w psiMax + 1 - w): the evidence for promotion grows by the divergence of the two for each bad device.
 */
function devicesToPromote({ terms, candidate, stable, peakNoWorse }: RolloutEvidence): { candidate: number; total: number } {
  const devices = candidate.devices + stable.devices
  const share = (candidate.devices + 0.5) / (devices + 1)
  const badShare = (candidate.bad + stable.bad + 0.5) / (devices + 1)
  const growth = badShare * divergence(share, (share * terms.psiMax) / (share * terms.psiMax + 1 - share))
  const total = Math.max(1, Math.ceil((-Math.log(terms.beta) - peakNoWorse) / growth))
  return { candidate: Math.max(1, Math.ceil(total * share)), total }
}

const percent = (bad: number, devices: number): string => (devices === 0 ? 'none' : `${Number(((100 * bad) / devices).toPrecision(2))} %`)

/** What the evidence allows now. Rollback comes before promotion; neither is inconclusive, which is never success. */
export function rolloutVerdict(evidence: RolloutEvidence): RolloutVerdict {
  const { terms, candidate, stable, logWorse, peakWorse, peakNoWorse } = evidence
  const rollback = peakWorse >= -Math.log(terms.alpha)
  const promote = !rollback && peakNoWorse >= -Math.log(terms.beta)
  const decision = rollback ? 'rollback' : promote ? 'promote' : 'inconclusive'
  const needMore = decision === 'inconclusive' ? devicesToPromote(evidence) : null
  const best = logWorse.indexOf(Math.max(...logWorse))
  const pWorse = Math.min(1, Math.exp(-peakWorse))
  const pTooBad = Math.min(1, Math.exp(-peakNoWorse))
  const seen =
    `${candidate.bad} of ${candidate.devices} candidate devices were bad (${percent(candidate.bad, candidate.devices)}), ` +
    `${stable.bad} of ${stable.devices} stable ones (${percent(stable.bad, stable.devices)})`
  const odds = (p: number) => (p < 1e-12 ? 'less than 1e-12' : String(Number(p.toPrecision(2))))
  const sentence =
    decision === 'rollback'
      ? `Roll back: ${seen}; an equal candidate would show this with probability ${odds(pWorse)} at most (limit ${terms.alpha}).`
      : decision === 'promote'
        ? `Promote: ${seen}; a candidate with ${terms.psiMax} times the odds of a bad device would look this good with probability ${odds(pTooBad)} at most (limit ${terms.beta}).`
        : `Not decided: ${seen}; need about ${needMore?.total ?? 0} more devices, ${needMore?.candidate ?? 0} of them with the candidate, to promote one that is equal.`
  return {
    decision,
    logE: { worse: logMeanExp(logWorse), worsePeak: peakWorse, noWorse: logMeanExp(evidence.logNoWorse), noWorsePeak: peakNoWorse },
    pWorse,
    pTooBad,
    likeliestOddsRatio: WORSE[best] ?? 1,
    needMore,
    sentence,
  }
}
