import { must } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { type NamedTensors, shapeMismatch, type TensorData } from '../tensor/tensor.ts'
import { type BackendName, useBackend } from './backends.ts'
import { yieldToEventLoop } from './event-loop.ts'
import { asIs, type BatchTransform, checkExamples, countOf, type Examples, type Labels } from './examples.ts'
import { type LearningRate, learningRateAt } from './learning-rate.ts'
import { type RegressionLoss, trainingTopology } from './loss.ts'
import { getWeights, setWeights, type Topology } from './model.ts'
import { makeOptimizer, type OptimizerOptions } from './optimizers.ts'
import { buildSeededModel, reseedDropout } from './seeded-model.ts'
import { getBackend, type Variable } from './tf.ts'
import { addTotals, evaluateTrainee, type LabelledData, noTotals, type Totals, type Trainee, trainBatch } from './training-step.ts'

export type TrainProgress = { readonly done: number; readonly total: number; readonly epoch: number; readonly loss: number }

export type EpochRecord = {
  readonly epoch: number
  readonly loss: number
  /** Share of right answers while training; undefined for regression. */
  readonly accuracy?: number
  readonly validationLoss?: number
  readonly validationAccuracy?: number
  readonly seconds: number
}

export type TrainOptions = {
  readonly topology: Topology
  /** Weights to go on from; drawn from the seed when absent. */
  readonly initial?: NamedTensors
  readonly examples: Examples
  readonly labels: Labels
  readonly validation?: LabelledData
  /** Applied to each batch, of training with a random source, of validation without. */
  readonly transform?: BatchTransform
  readonly epochs: number
  readonly batchSize: number
  readonly optimizer: OptimizerOptions
  readonly learningRate: LearningRate
  readonly seed: number
  /** One factor for each class, by class number. */
  readonly classWeights?: readonly number[]
  readonly signal?: AbortSignal
  /** What a model that answers with a number minimises; squared errors unless given. Classifiers have their cross-entropy. */
  readonly regressionLoss?: RegressionLoss
  /** After each epoch, which it may let wait. `weights` reads those of now. Training ends well, with fewer epochs, where it says 'stop'. */
  readonly afterEpoch?: (epoch: EpochRecord, weights: () => Promise<Record<string, TensorData>>) => Promise<'go on' | 'stop'>
  /** After each batch. */
  readonly onProgress?: (progress: TrainProgress) => void
  readonly clock?: Clock
}

export type TrainResult = { readonly weights: Record<string, TensorData>; readonly history: readonly EpochRecord[] }

/** The longest that training keeps its thread between two looks at the event loop, in milliseconds. */
const YIELD_EVERY = 12

function checkOptions(options: TrainOptions): void {
  checkExamples('examples', options.examples, options.labels)
  if (options.validation) checkExamples('validation', options.validation.examples, options.validation.labels)
  for (const [name, value] of [
    ['epochs', options.epochs],
    ['batchSize', options.batchSize],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) throw new AppError('invalid_input', `${name} must be a whole number from 1, got ${value}`)
  }
}

/**
 * Trains on the current backend. On one thread the same options give the same weights, bit for bit. Looks at the event loop every few batches.
 * Throws training_diverged when a loss is not finite, aborted when the signal fires, shape_mismatch and invalid_input for wrong options.
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  checkOptions(options)
  const { topology, loss } = trainingTopology(options.topology, options.regressionLoss)
  const model = await buildSeededModel(topology, options.seed)
  try {
    if (model.inputs.length !== 1 || model.outputs.length !== 1)
      throw shapeMismatch('model', 'one input and one output', `${model.inputs.length} and ${model.outputs.length}`)
    if (options.initial) setWeights(model, options.initial)
    const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
    const history = await runEpochs(options, { model, loss, variables }, seededRandom(options.seed))
    return { weights: await getWeights(model), history }
  } finally {
    model.dispose()
  }
}

/** Waits for the event loop when it is time to, then makes sure of the backend: others may have used this thread meanwhile. */
function breather(options: TrainOptions, clock: Clock): () => Promise<void> {
  const backend = getBackend() as BackendName
  let last = clock.monotonic()
  return async () => {
    if (clock.monotonic() - last >= YIELD_EVERY) {
      await yieldToEventLoop()
      last = clock.monotonic()
    }
    if (options.signal?.aborted) throw new AppError('aborted', 'training was aborted', { cause: options.signal.reason })
    useBackend(backend)
  }
}

const rates = (totals: Totals) => ({
  loss: totals.loss / totals.count,
  ...(totals.right === undefined ? {} : { accuracy: totals.right / totals.count }),
})

async function runEpochs(options: TrainOptions, trainee: Trainee, random: Random): Promise<EpochRecord[]> {
  const { examples, labels, classWeights, epochs, batchSize, validation, transform = asIs, clock = systemClock } = options
  const breathe = breather(options, clock)
  const optimizer = makeOptimizer(options.optimizer, trainee.variables)
  const order = Int32Array.from({ length: countOf(examples) }, (_, i) => i)
  const total = Math.ceil(order.length / batchSize) * epochs
  const history: EpochRecord[] = []
  let done = 0
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const startedAt = clock.monotonic()
      const totals = noTotals(trainee.loss)
      shuffle(order, random)
      for (let from = 0; from < order.length; from += batchSize) {
        await breathe()
        reseedDropout(trainee.model, random)
        const batch = await trainBatch(
          trainee,
          { examples, labels },
          order.subarray(from, from + batchSize),
          { transform, random, classWeights },
          (gradients) => optimizer.apply(gradients, learningRateAt(options.learningRate, done, total)),
        )
        done += 1
        const { loss } = rates(batch)
        if (!Number.isFinite(loss)) {
          throw new AppError(
            'training_diverged',
            `the loss was ${loss} at step ${done} of ${total}: lower the learning rate or look for bad values in the data`,
          )
        }
        addTotals(totals, batch)
        options.onProgress?.({ done, total, epoch, loss })
      }
      const checked = validation && rates(await evaluateTrainee(trainee, validation, transform, breathe))
      history.push({
        epoch,
        ...rates(totals),
        ...(checked === undefined ? {} : { validationLoss: checked.loss }),
        ...(checked?.accuracy === undefined ? {} : { validationAccuracy: checked.accuracy }),
        seconds: (clock.monotonic() - startedAt) / 1000,
      })
      const record = must(history.at(-1), 'the epoch')
      if ((await options.afterEpoch?.(record, () => getWeights(trainee.model))) === 'stop') break
    }
    return history
  } finally {
    optimizer.dispose()
  }
}

/** Fisher-Yates, in place. */
function shuffle(order: Int32Array, random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const held = order[i] as number
    order[i] = order[j] as number
    order[j] = held
  }
}
