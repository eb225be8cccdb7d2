import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Clock } from '../../../shared/core/clock.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { EpochRecord } from '../../../shared/compute/train.ts'
import type { TrainingCheckpoint } from '../../../shared/compute/training-checkpoint.ts'
import type { Forest } from '../../../shared/trees/forest.ts'
import { writeWhole } from '../../storage/write-whole.ts'
import type { BestEpoch } from './early-stopping.ts'

/** All that training a network by a recipe has found out so far. */
export type NetworkState = {
  readonly kind: 'network'
  readonly checkpoint: TrainingCheckpoint
  /** What early stopping would go back to. */
  readonly best: BestEpoch | undefined
  /** The loss of each batch of the first epoch. */
  readonly firstEpoch: readonly number[]
}

/** All that boosting trees by a recipe has found out so far: a round follows from the trees before it. */
export type TreesState = {
  readonly kind: 'trees'
  readonly forest: Forest
  readonly history: readonly EpochRecord[]
  readonly best: BestEpoch | undefined
}

export type TrainingState = NetworkState | TreesState

/** For people: how far a state got. */
export function reachedBy(state: TrainingState): string {
  if (state.kind === 'trees') return `round ${state.history.length}`
  const { done, run } = state.checkpoint
  return `step ${done} of ${run.epochs * Math.ceil(run.examples / run.batchSize)}`
}

/** Where training keeps its state, so that an attempt that is killed is gone on from. */
export type KeptTraining = {
  /** Whether it is time to write again. */
  due(): boolean
  /** Resolves when the state is on the disk in place of the one before. */
  save(state: TrainingState): Promise<void>
}

/** Time between two checkpoints, milliseconds: what a kill costs at most. */
const EVERY_MS = 2000
/** The first comes early: it is small work, and most kills of short trainings come before two seconds. */
const FIRST_MS = 250
/** A model that takes long to write is written less often: writing costs at most one part in so many. */
const SHARE = 50

const DIGEST_BYTES = 32
const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

const fileIn = (kept: string): string => join(kept, 'training')

/** Keeps the state in a folder, which is made with the first. A file of that folder is whole, or not there. */
export function keepTraining({
  kept,
  clock,
  everyMs = EVERY_MS,
}: {
  readonly kept: string
  readonly clock: Clock
  readonly everyMs?: number
}): KeptTraining {
  let next = clock.monotonic() + Math.min(FIRST_MS, everyMs)
  return {
    due: () => clock.monotonic() >= next,
    async save(state) {
      const began = clock.monotonic()
      await mkdir(kept, { recursive: true })
      const body = serialize(state)
      await writeWhole(fileIn(kept), digestOf(body), body)
      const ended = clock.monotonic()
      next = ended + Math.max(everyMs, SHARE * (ended - began))
    },
  }
}

/** The state that an attempt before has left; undefined where there is none. Throws damaged_data when its bytes are not those that were written. */
export async function keptTraining(kept: string): Promise<TrainingState | undefined> {
  const bytes = await readFile(fileIn(kept)).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    throw thrown
  })
  if (bytes === undefined) return undefined
  const body = bytes.subarray(DIGEST_BYTES)
  if (!digestOf(body).equals(bytes.subarray(0, DIGEST_BYTES)))
    throw new AppError('damaged_data', `${fileIn(kept)} is damaged: training has to start over`)
  return deserialize(body) as TrainingState
}
