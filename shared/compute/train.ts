import { type Clock, systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { type Random, resumedRandom, seededRandom } from '../core/random.ts'
import { type NamedTensors, shapeMismatch, type TensorData } from '../tensor/tensor.ts'
import { type BackendName, useBackend } from './backends.ts'
import { yieldToEventLoop } from './event-loop.ts'
import { asIs, type BatchTransform, checkExamples, countOf, type Examples, type Labels } from './examples.ts'
import { type LearningRate, learningRateAt } from './learning-rate.ts'
import { type LossKind, type RegressionLoss, trainingTopology } from './loss.ts'
import { setWeights, type Topology } from './model.ts'
import type { OptimizerOptions } from './optimizers.ts'
import { buildSeededModel } from './seeded-model.ts'
import { type EngineChoice, startEngine } from './start-engine.ts'
import { getBackend } from './tf.ts'
import { checkCheckpoint, type TrainingCheckpoint } from './training-checkpoint.ts'
import type { TrainingEngine } from './training-engine.ts'
import type { TrainingThreads } from './training-threads.ts'
import { addTotals, type LabelledData, noTotals, rates } from './training-totals.ts'

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
  /** A plan of our own kernels where the model compiles to one, else tfjs; `plan` throws the reason instead of falling back. */
  readonly engineChoice?: EngineChoice
  /** What a plan takes each step on, together; one thread unless given. The weights are the same bits. */
  readonly threads?: TrainingThreads
  /** One factor for each example's loss, beside that of its class. */
  readonly exampleWeights?: Float32Array
  /** Longest gradient that is taken as it is; a longer one is shrunk to this L2 norm. */
  readonly clipNorm?: number
  /** Weight of FedProx's term: mu/2 times the squared distance from the weights at the start. */
  readonly proximal?: number
  /** Between two steps; training waits for it. The place to pause, and to leave the machine to others. */
  readonly betweenSteps?: () => Promise<void>
  /** After every `every` steps, at an epoch's end after `afterEpoch`, with all that `resume` needs to go on to the same bits. */
  readonly checkpoint?: {
    readonly every: number
    /** Whether one is wanted at such a step, where that is not always so. */
    readonly due?: () => boolean
    readonly save: (checkpoint: TrainingCheckpoint) => Promise<void>
  }
  /** Goes on from a checkpoint of a run with the same options. */
  readonly resume?: TrainingCheckpoint
  /** After each batch. */
  readonly onProgress?: (progress: TrainProgress) => void
  readonly clock?: Clock
}

export type TrainResult = {
  readonly weights: Record<string, TensorData>
  readonly history: readonly EpochRecord[]
  /** What computed the steps, and which build or backend that was, or why it was not a plan. Undefined where no run of ours trained. */
  readonly engine?: { readonly kind: 'plan' | 'tfjs'; readonly reason: string }
}

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
  const { exampleWeights, examples } = options
  if (exampleWeights && exampleWeights.length !== countOf(examples))
    throw shapeMismatch('exampleWeights', `${countOf(examples)} values`, `${exampleWeights.length}`)
}

function weightOfExample({ labels, classWeights, exampleWeights }: TrainOptions): ((example: number) => number) | undefined {
  if (classWeights === undefined && exampleWeights === undefined) return undefined
  return (example) => (classWeights?.[labels[example] ?? -1] ?? 1) * (exampleWeights?.[example] ?? 1)
}

/**
 * Trains by a plan of our own kernels where the model compiles to one, else on the current backend. The same options give the same weights, bit for bit,
 * on any number of threads. Looks at the event loop every few batches. Throws training_diverged when a loss is not finite, aborted when the signal fires, shape_mismatch and
 * invalid_input for wrong options.
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  checkOptions(options)
  const { topology, loss } = trainingTopology(options.topology, options.regressionLoss)
  const model = await buildSeededModel(topology, options.seed)
  try {
    if (model.inputs.length !== 1 || model.outputs.length !== 1)
      throw shapeMismatch('model', 'one input and one output', `${model.inputs.length} and ${model.outputs.length}`)
    if (options.initial) setWeights(model, options.initial)
    const { examples, labels, batchSize, optimizer, clipNorm, proximal, transform = asIs } = options
    const data = { examples, labels }
    const engine = await startEngine(
      model,
      { loss, data, transform, batchSize, optimizer, clipNorm, proximal, weightOf: weightOfExample(options) },
      options.engineChoice ?? 'auto',
      options.threads,
    )
    try {
      const history = await runEpochs(options, engine, loss)
      return { weights: await engine.weights(), history, engine: { kind: engine.kind, reason: engine.reason } }
    } finally {
      engine.dispose()
    }
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
    await options.betweenSteps?.()
    if (options.signal?.aborted) throw new AppError('aborted', 'training was aborted', { cause: options.signal.reason })
    useBackend(backend)
  }
}

async function runEpochs(options: TrainOptions, engine: TrainingEngine, loss: LossKind): Promise<EpochRecord[]> {
  const { examples, epochs, batchSize, validation, clock = systemClock, resume } = options
  const breathe = breather(options, clock)
  const order = Int32Array.from({ length: countOf(examples) }, (_, i) => i)
  const stepsOfEpoch = Math.ceil(order.length / batchSize)
  const total = stepsOfEpoch * epochs
  const run = { seed: options.seed, epochs, batchSize, examples: order.length }
  if (resume) {
    checkCheckpoint(resume, run)
    engine.restore(resume.engine)
  }
  let random = seededRandom(options.seed)
  const history: EpochRecord[] = [...(resume?.history ?? [])]
  let done = resume?.done ?? 0
  for (let epoch = Math.floor(done / stepsOfEpoch) + 1; epoch <= epochs; epoch++) {
    const startedAt = clock.monotonic()
    const resumed = resume !== undefined && epoch === Math.floor(resume.done / stepsOfEpoch) + 1 ? resume : undefined
    if (resumed) random = resumedRandom(resumed.epochRandom)
    const epochRandom = random.state()
    shuffle(order, random)
    if (resumed?.random) random = resumedRandom(resumed.random)
    const totals = resumed ? { ...resumed.totals } : noTotals(loss)
    for (let from = (done % stepsOfEpoch) * batchSize; from < order.length; from += batchSize) {
      await breathe()
      const batch = await engine.train(order.subarray(from, from + batchSize), learningRateAt(options.learningRate, done, total), random)
      done += 1
      const mean = batch.loss / batch.count
      if (!Number.isFinite(mean)) {
        throw new AppError(
          'training_diverged',
          `the loss was ${mean} at step ${done} of ${total}: lower the learning rate or look for bad values in the data`,
        )
      }
      addTotals(totals, batch)
      options.onProgress?.({ done, total, epoch, loss: mean })
      // within an epoch: at its end the next one's shuffle is still to come
      if (options.checkpoint && isDue(options.checkpoint, done) && done % stepsOfEpoch !== 0)
        await options.checkpoint.save({
          run,
          done,
          epochRandom,
          random: random.state(),
          totals: { ...totals },
          history: [...history],
          engine: await engine.state(),
        })
    }
    const checked = validation && rates(await engine.evaluate(validation, breathe))
    const record: EpochRecord = {
      epoch,
      ...rates(totals),
      ...(checked === undefined ? {} : { validationLoss: checked.loss }),
      ...(checked?.accuracy === undefined ? {} : { validationAccuracy: checked.accuracy }),
      seconds: (clock.monotonic() - startedAt) / 1000,
    }
    history.push(record)
    // only then: whoever resumes here does not come to this epoch's end again
    if ((await options.afterEpoch?.(record, () => engine.weights())) === 'stop') break
    if (options.checkpoint && isDue(options.checkpoint, done)) {
      const state = random.state()
      await options.checkpoint.save({
        run,
        done,
        epochRandom: state,
        random: undefined,
        totals: noTotals(loss),
        history: [...history],
        engine: await engine.state(),
      })
    }
  }
  return history
}

const isDue = ({ every, due }: NonNullable<TrainOptions['checkpoint']>, done: number): boolean => done % every === 0 && (due?.() ?? true)

/** Puts the numbers from 0 in a random order (Fisher-Yates). */
function shuffle(order: Int32Array, random: Random): void {
  for (let i = 0; i < order.length; i++) order[i] = i
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    const held = order[i] as number
    order[i] = order[j] as number
    order[j] = held
  }
}
