import type { EpochRecord, TrainProgress } from '../../../shared/compute/train.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Preparation } from '../data/example-form.ts'
import type { Recipe } from '../data/recipe.ts'
import { topologyOf } from '../data/recipe-network.ts'
import type { SplitExamples } from '../data/split-examples.ts'
import { trainByRecipe } from '../data/train-recipe.ts'
import { pausedTraining } from './paused-training.ts'

export type TrialData = {
  readonly prepared: Preparation
  readonly train: SplitExamples
  readonly validation: SplitExamples
  readonly seed: number
}

/** Trains trials, and keeps those that wait. */
export type TrialRunner = {
  advance(trial: number, recipe: Recipe, epochs: number, onProgress?: (progress: TrainProgress) => void): Promise<readonly EpochRecord[]>
  /** A trial that will not go on. */
  drop(trial: number): Promise<void>
  /** Ends all that wait. */
  close(): Promise<void>
}

/** Trials in this thread. */
export function createTrialRunner({ prepared, train, validation, seed }: TrialData): TrialRunner {
  const waiting = new Map<number, ReturnType<typeof pausedTraining>>()
  const closing = new AbortController()
  const drop = async (trial: number): Promise<void> => {
    const one = waiting.get(trial)
    waiting.delete(trial)
    await one?.stop()
  }
  return {
    async advance(trial, recipe, epochs, onProgress = () => {}) {
      if (closing.signal.aborted) throw new AppError('aborted', 'the search has ended')
      let one = waiting.get(trial)
      if (one === undefined) {
        const topology = topologyOf(recipe, prepared)
        one = pausedTraining(recipe.epochs, (afterEpoch) =>
          trainByRecipe({ recipe, topology, prepared, train, validation, seed, signal: closing.signal, onProgress, afterEpoch }),
        )
        waiting.set(trial, one)
      }
      const history = await one.advance(epochs).catch((thrown: unknown) => {
        waiting.delete(trial)
        throw thrown
      })
      if (epochs >= recipe.epochs) waiting.delete(trial)
      return history
    },
    drop,
    async close() {
      closing.abort()
      await Promise.all([...waiting.keys()].map(drop))
    },
  }
}
