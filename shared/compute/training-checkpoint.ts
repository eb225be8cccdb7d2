import { AppError } from '../core/errors.ts'
import type { RandomState } from '../core/random.ts'
import type { EpochRecord } from './train.ts'
import type { EngineState } from './training-engine.ts'
import type { Totals } from './training-totals.ts'

/** What must be the same for a run to go on from another's checkpoint. */
export type RunIdentity = { readonly seed: number; readonly epochs: number; readonly batchSize: number; readonly examples: number }

/** All that a training run needs to go on to the same bits. Plain data: it can be cloned, stored and sent. */
export type TrainingCheckpoint = {
  readonly run: RunIdentity
  /** Steps taken. */
  readonly done: number
  /** Where the random source stood before the epoch was shuffled, and stands now; undefined between two epochs. */
  readonly epochRandom: RandomState
  readonly random: RandomState | undefined
  /** Of the epoch so far. */
  readonly totals: Totals
  readonly history: readonly EpochRecord[]
  readonly engine: EngineState
}

/** Throws invalid_input, naming what differs, when the checkpoint is one of another run. */
export function checkCheckpoint({ run }: TrainingCheckpoint, now: RunIdentity): void {
  for (const name of ['seed', 'epochs', 'batchSize', 'examples'] as const)
    if (run[name] !== now[name])
      throw new AppError('invalid_input', `the checkpoint is of a run with ${name} ${run[name]}, not ${now[name]}`)
}
