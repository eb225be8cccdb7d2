import { augmented } from '../../../shared/compute/augmentation.ts'
import type { BatchTransform } from '../../../shared/compute/examples.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import { trainModel, type TrainProgress, type TrainResult } from '../../../shared/compute/train.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import type { Preparation } from './example-form.ts'
import type { Recipe } from './recipe.ts'
import { rowsOf, sampleRows } from './sampling.ts'
import type { SplitExamples } from './split-examples.ts'

export type RecipeRun = {
  readonly recipe: Recipe
  readonly topology: Topology
  readonly initial?: NamedTensors | undefined
  readonly prepared: Preparation
  readonly train: SplitExamples
  readonly validation: SplitExamples
  readonly seed: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: TrainProgress) => void
}

function transformOf({ form }: Preparation, { augment }: Recipe, transform: BatchTransform): BatchTransform {
  const { degrees = 0, shift = 0, zoom = 0 } = augment
  if (form.kind !== 'image' || (degrees === 0 && shift === 0 && zoom === 0)) return transform
  return augmented({ shape: [form.height, form.width, form.channels], degrees, shift, zoom }, transform)
}

/** Trains by a recipe: chooses the rows, changes images, drives the training loop. Throws training_diverged where the loss or a weight is not finite. */
export function trainByRecipe({
  recipe,
  topology,
  initial,
  prepared,
  train,
  validation,
  seed,
  signal,
  onProgress,
}: RecipeRun): Promise<TrainResult> {
  const chosen = rowsOf(train, sampleRows(train, recipe, seededRandom(seed)))
  return trainModel({
    topology,
    ...(initial === undefined ? {} : { initial }),
    examples: chosen.examples,
    labels: chosen.labels,
    validation: { examples: validation.examples, labels: validation.labels },
    transform: transformOf(prepared, recipe, train.transform),
    epochs: recipe.epochs,
    batchSize: recipe.batchSize,
    // parsed by the recipe's schema, whose optional members may be undefined
    optimizer: recipe.optimizer as Parameters<typeof trainModel>[0]['optimizer'],
    learningRate: recipe.learningRate as Parameters<typeof trainModel>[0]['learningRate'],
    seed,
    signal,
    onProgress,
  })
}
