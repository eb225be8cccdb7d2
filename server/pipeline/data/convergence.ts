import type { EpochRecord } from '../../../shared/compute/train.ts'

/** Batches of a single epoch, below which its loss is too noisy to tell whether it fell. */
const FEWEST_BATCHES = 20
/** How much the loss of a model that already was good may rise while it learns a new world. */
const WARM_RISE = 0.1

export type Learning = {
  readonly history: readonly EpochRecord[]
  /** The loss of each batch of the first epoch. */
  readonly firstEpoch: readonly number[]
  /** Whether it went on from a trained model. */
  readonly warm: boolean
  readonly leastFall: number
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

/** Why training did not converge: the loss did not fall from the first epoch to the last (in a single epoch: from its first tenth to its last). Undefined where it did. */
export function notConverged({ history, firstEpoch, warm, leastFall }: Learning): string | undefined {
  const tenth = Math.floor(firstEpoch.length / 10)
  const single = history.length === 1
  if (single && firstEpoch.length < FEWEST_BATCHES) return undefined
  const before = single ? mean(firstEpoch.slice(0, tenth)) : (history[0]?.loss ?? 0)
  const after = single ? mean(firstEpoch.slice(-tenth)) : (history.at(-1)?.loss ?? 0)
  const bound = warm ? before * (1 + WARM_RISE) : before * (1 - leastFall)
  if (warm ? after <= bound : after < before && after <= bound) return undefined
  const [from, to] = single ? ['the first tenth', 'the last tenth of the epoch'] : ['epoch 1', `epoch ${history.length}`]
  const wanted = warm
    ? `at most ${bound.toFixed(4)} was allowed`
    : leastFall > 0
      ? `at most ${bound.toFixed(4)} was wanted`
      : 'it must fall'
  return `the training loss went from ${before.toFixed(4)} (${from}) to ${after.toFixed(4)} (${to}): ${wanted}. Change the learning rate, look for labels that follow from nothing, or set leastFall to null`
}
