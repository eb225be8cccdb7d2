import type { TrainOptions, TrainProgress, TrainResult } from '../compute/train.ts'
import type { Examples, BatchTransform, Labels } from '../compute/examples.ts'
import type { Topology } from '../compute/model.ts'
import type { TrainingPlan } from '../contract/federation.ts'
import { must } from '../core/assert.ts'
import type { Bytes } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { seededRandom, shuffled } from '../core/random.ts'
import { encodeSafetensors } from '../tensor/safetensors.ts'
import { type NamedTensors, sizeOf } from '../tensor/tensor.ts'
import { clipFactor, difference, l2Norm, scaled } from './update.ts'

export type LocalUpdateOptions = {
  readonly plan: Pick<TrainingPlan, 'epochs' | 'batchSize' | 'learningRate' | 'seed' | 'clipNorm' | 'maxExamples'>
  readonly topology: Topology
  /** Every weight of the base version. */
  readonly base: NamedTensors
  /** What this device holds; of more than the plan allows a random part is taken. */
  readonly examples: Examples
  readonly labels: Labels
  readonly transform?: BatchTransform
  /** `trainModel` of shared/compute, or whatever trains where this runs. */
  readonly train: (options: TrainOptions) => Promise<TrainResult>
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TrainProgress) => void
}

export type LocalUpdate = {
  /** Safetensors: the clipped difference to the base version, one float32 tensor a weight; metadata `examples`. */
  readonly body: Bytes
  readonly examples: number
  /** L2 norm before clipping. */
  readonly norm: number
  readonly clipped: boolean
  /** Mean loss of the last epoch. */
  readonly loss: number
}

/**
 * A device's part in a round: trains from the base version with plain SGD on what it holds, and gives back how the weights changed, clipped. The same options
 * give the same bytes where training is deterministic. Throws training_diverged, aborted, shape_mismatch, invalid_input, output_not_finite.
 */
export async function localUpdate(options: LocalUpdateOptions): Promise<LocalUpdate> {
  const { plan, topology, base, train, transform, signal, onProgress } = options
  const { examples, labels } = takeExamples(options)
  const { weights, history } = await train({
    topology,
    initial: base,
    examples,
    labels,
    epochs: plan.epochs,
    batchSize: plan.batchSize,
    optimizer: { kind: 'sgd' },
    learningRate: { kind: 'constant', rate: plan.learningRate },
    seed: plan.seed,
    ...(transform === undefined ? {} : { transform }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  })
  const delta = difference(base, weights)
  const norm = l2Norm(delta)
  if (!Number.isFinite(norm)) throw new AppError('output_not_finite', 'the weights are not finite after training: nothing is handed in')
  const count = must(examples.shape[0], 'the number of examples')
  const body = encodeSafetensors(scaled(delta, clipFactor(norm, plan.clipNorm)), { examples: String(count) })
  return { body, examples: count, norm, clipped: norm > plan.clipNorm, loss: history.at(-1)?.loss ?? Number.NaN }
}

function takeExamples({ plan, examples, labels }: LocalUpdateOptions): { examples: Examples; labels: Labels } {
  const count = examples.shape[0] ?? 0
  if (count === 0) throw new AppError('invalid_input', 'this device holds no examples to train on')
  if (count <= plan.maxExamples) return { examples, labels }
  const chosen = shuffled(
    Array.from({ length: count }, (_, i) => i),
    seededRandom(plan.seed),
  ).slice(0, plan.maxExamples)
  const size = sizeOf(examples.shape.slice(1))
  const data = new (examples.data.constructor as new (length: number) => Examples['data'])(chosen.length * size)
  const kept = new (labels.constructor as new (length: number) => Labels)(chosen.length)
  for (const [to, from] of chosen.entries()) {
    data.set(examples.data.subarray(from * size, (from + 1) * size), to * size)
    kept[to] = must(labels[from], 'a label')
  }
  return { examples: { data, shape: [chosen.length, ...examples.shape.slice(1)] }, labels: kept }
}
