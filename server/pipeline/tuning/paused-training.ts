import type { EpochRecord, TrainOptions } from '../../../shared/compute/train.ts'
import type { RecipeResult } from '../data/train-recipe.ts'

type AfterEpoch = NonNullable<TrainOptions['afterEpoch']>
type Waiting = { resolve(history: readonly EpochRecord[]): void; reject(thrown: unknown): void }

/**
 * A training that can be let go on in parts: it waits after an epoch until it is told how far to go next, with weights and the optimizer's state where they are. So a trial that is promoted repeats
 * nothing, and one that is not costs nothing more.
 */
export function pausedTraining(epochs: number, start: (afterEpoch: AfterEpoch) => Promise<RecipeResult>) {
  let target = 0
  let waiting: Waiting | undefined
  let gate: ((decision: 'go on' | 'stop') => void) | undefined
  let ended: Promise<void> | undefined
  const history: EpochRecord[] = []

  const settle = (how: (waiting: Waiting) => void) => {
    const one = waiting
    waiting = undefined
    if (one !== undefined) how(one)
  }
  const run = (): Promise<void> =>
    start(async (epoch) => {
      history.push(epoch)
      // the end is told by the training itself, which may yet find that it did not converge
      if (epoch.epoch < target || epoch.epoch >= epochs) return 'go on'
      const decision = new Promise<'go on' | 'stop'>((resolve) => {
        gate = resolve
      })
      settle(({ resolve }) => resolve(history))
      return decision
    }).then(
      () => settle(({ resolve }) => resolve(history)),
      (thrown: unknown) => settle(({ reject }) => reject(thrown)),
    )

  return {
    /** Trains until so many epochs are done in all, or fewer where it stops early; the records of all epochs so far. Throws what training throws. */
    advance(to: number): Promise<readonly EpochRecord[]> {
      target = to
      const reached = new Promise<readonly EpochRecord[]>((resolve, reject) => {
        waiting = { resolve, reject }
      })
      const go = gate
      gate = undefined
      if (ended === undefined) ended = run()
      else if (go === undefined) settle(({ resolve }) => resolve(history))
      else go('go on')
      return reached
    },
    /** Ends it where it waits. */
    async stop(): Promise<void> {
      gate?.('stop')
      gate = undefined
      await ended
    },
  }
}
