import { augmented } from '../../../shared/compute/augmentation.ts'
import type { BatchTransform } from '../../../shared/compute/examples.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import type { TrainOptions, TrainProgress, TrainResult } from '../../../shared/compute/train.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import { nodeThreads } from '../../training/node-threads.ts'
import { classWeightsOf } from './class-weights.ts'
import { notConverged } from './convergence.ts'
import { watchValidation } from './early-stopping.ts'
import { answersWithNumber, type Preparation } from './example-form.ts'
import type { KeptTraining, TrainingState } from './kept-training.ts'
import type { Recipe } from './recipe.ts'
import { rowsOf, sampleRows } from './sampling.ts'
import { inputShape, type SplitExamples } from './split-examples.ts'
import { trainTrees } from './train-trees.ts'
import { fromUnits, intoUnits, scaledTargets, targetScale } from './target-scale.ts'

export type RecipeRun = {
  readonly recipe: Recipe
  readonly topology: Topology
  readonly initial?: NamedTensors | undefined
  readonly prepared: Preparation
  readonly train: SplitExamples
  readonly validation: SplitExamples
  readonly seed: number
  /** That take each step together, one unless given; the weights are the same bits. */
  readonly threads?: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: TrainProgress) => void
  /** May let training wait, or end it. */
  readonly afterEpoch?: TrainOptions['afterEpoch']
  /** Where the state is kept while training goes on. */
  readonly keep?: KeptTraining
  /** Goes on from the state of a run with the same recipe, data and seed, to the same bits. */
  readonly resume?: TrainingState | undefined
}

export type RecipeResult = Omit<TrainResult, 'engine'> & {
  /** What computed the steps, and why. */
  readonly engine?: { readonly kind: 'plan' | 'tfjs' | 'trees'; readonly reason: string }

  /** The epoch whose weights these are: an earlier one than the last where training stopped early. */
  readonly bestEpoch: number
}

function transformOf(prepared: Preparation, { augment }: Recipe, transform: BatchTransform): BatchTransform {
  const { degrees = 0, shift = 0, zoom = 0 } = augment
  if (prepared.form.kind !== 'image' || (degrees === 0 && shift === 0 && zoom === 0)) return transform
  return augmented({ shape: inputShape(prepared) as [number, number, number], degrees, shift, zoom }, transform)
}

/**
 * Trains by a recipe: chooses the rows, changes images, weighs labels, brings numbers to be predicted to one scale, drives the training loop, stops early.
 * Throws training_diverged where the loss or a weight is not finite, not_converged where the loss did not fall.
 */
export async function trainByRecipe(run: RecipeRun): Promise<RecipeResult> {
  const { recipe, topology, initial, prepared, train, validation, seed, threads = 1, signal, keep } = run
  if (recipe.architecture.kind === 'trees') return trainTrees(run, recipe.architecture)
  const resume = run.resume?.kind === 'network' ? run.resume : undefined
  const chosen = rowsOf(train, sampleRows(train, recipe, seededRandom(seed)))
  const classWeights = classWeightsOf(recipe, prepared, chosen.labels)
  // the scale goes into the output layer, which a topology of somebody's own need not have
  const foreign = initial === undefined ? recipe.architecture.kind === 'topology' : initial['output/kernel'] === undefined
  const scale = answersWithNumber(prepared) && !foreign ? targetScale(chosen.labels) : undefined
  const early = recipe.stopEarly && watchValidation(recipe.stopEarly, resume?.best)
  const firstEpoch: number[] = [...(resume?.firstEpoch ?? [])]
  // tfjs: loaded where it trains, not where the server knows its components
  const { trainModel } = await import('../../../shared/compute/train.ts')
  const { weights, history, engine } = await trainModel({
    topology,
    ...(initial === undefined ? {} : { initial: scale === undefined ? initial : fromUnits(initial, scale) }),
    examples: chosen.examples,
    labels: scale === undefined ? chosen.labels : scaledTargets(chosen.labels, scale),
    validation: {
      examples: validation.examples,
      labels: scale === undefined ? validation.labels : scaledTargets(validation.labels, scale),
    },
    transform: transformOf(prepared, recipe, train.transform),
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    // parsed by the recipe's schema, whose optional members may be undefined
    optimizer: recipe.optimizer as TrainOptions['optimizer'],
    learningRate: recipe.learningRate as TrainOptions['learningRate'],
    ...(classWeights === undefined ? {} : { classWeights }),
    ...(recipe.loss === undefined ? {} : { regressionLoss: recipe.loss }),
    seed,
    threads: nodeThreads(threads),
    signal,
    ...(resume === undefined ? {} : { resume: resume.checkpoint }),
    ...(keep === undefined
      ? {}
      : {
          checkpoint: {
            every: 1,
            due: keep.due,
            save: (checkpoint) => keep.save({ kind: 'network', checkpoint, best: early?.best(), firstEpoch }),
          },
        }),
    afterEpoch: async (epoch, now) => {
      const stopped = (await early?.after(epoch, now)) ?? 'go on'
      const told = (await run.afterEpoch?.(epoch, now)) ?? 'go on'
      return stopped === 'stop' ? stopped : told
    },
    onProgress: (progress) => {
      if (progress.epoch === 1) firstEpoch.push(progress.loss)
      run.onProgress(progress)
    },
  })
  const why =
    recipe.leastFall === null ? undefined : notConverged({ history, firstEpoch, warm: initial !== undefined, leastFall: recipe.leastFall })
  if (why !== undefined) throw new AppError('not_converged', why)
  const best = early?.best()
  const kept = best?.weights ?? weights
  return {
    weights: scale === undefined ? kept : intoUnits(kept, scale),
    history,
    ...(engine === undefined ? {} : { engine }),
    bestEpoch: best?.epoch ?? history.length,
  }
}
