import * as tf from '@tensorflow/tfjs-core'
import { loadKernels } from '../../../shared/compute/kernels/load-kernels.ts'
import { lossPerExample, targetsOf, trainingTopology } from '../../../shared/compute/loss.ts'
import { buildModel, getWeights, setWeights } from '../../../shared/compute/model.ts'
import { compileTraining } from '../../../shared/compute/plan/compile.ts'
import { graphOf } from '../../../shared/compute/plan/graph.ts'
import { setPlanWeights } from '../../../shared/compute/plan/plan-weights.ts'
import type { Tensor, Variable } from '../../../shared/compute/tf.ts'
import { startThreadedPlan, type TrainingThreads } from '../../../shared/compute/training-threads.ts'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { ok, type Result, unwrap } from '../../../shared/core/result.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import type { Network } from './networks.ts'

const RATE = 0.01

/** One batch of random images; all sides train on it. */
export function batchOf({ input, classes }: Network, images: number): { x: Float32Array<ArrayBuffer>; labels: Int32Array } {
  const random = seededRandom(1)
  const size = input.reduce((a, b) => a * b, 1)
  return {
    x: Float32Array.from({ length: images * size }, () => random.uniform()),
    labels: Int32Array.from({ length: images }, () => random.integer(classes)),
  }
}

/** A step of plain SGD by tfjs on its current backend, and the weights that it begins with. */
export async function tfjsSide(network: Network, images: number, initial?: NamedTensors) {
  const { topology, loss } = trainingTopology(network.topology)
  const model = await buildModel(topology)
  if (initial) setWeights(model, initial)
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
  const { x, labels } = batchOf(network, images)
  const input = tf.tensor(x, [images, ...network.input])
  const indices = labels.map((_, i) => i)
  const targets = targetsOf(loss, labels, indices, network.classes)
  const step = async (): Promise<number> => {
    const { value, grads } = tf.variableGrads(
      () => tf.mean(lossPerExample(loss, model.apply(input, { training: true }) as Tensor, targets)) as tf.Scalar,
      [...variables],
    )
    for (const variable of variables) {
      const next = tf.tidy(() => tf.sub(variable, tf.mul(must(grads[variable.name], 'a gradient'), RATE)))
      variable.assign(next)
      next.dispose()
    }
    const [lossValue] = await value.data()
    value.dispose()
    for (const gradient of Object.values(grads)) gradient.dispose()
    return must(lossValue, 'a loss')
  }
  return { model, weights: await getWeights(model), step }
}

export type PlanSide = { readonly step: () => number; close(): void }

/** The same step by a plan, on `threads` where they are given; fails where the network does not compile. */
export async function planSide(
  network: Network,
  images: number,
  model: Awaited<ReturnType<typeof tfjsSide>>['model'],
  weights: NamedTensors,
  threads?: TrainingThreads,
): Promise<Result<PlanSide>> {
  const { loss } = trainingTopology(network.topology)
  const graph = graphOf(model)
  if (!graph.ok) return graph
  const options = { graph: graph.value, batchSize: images }
  const training = { loss, optimizer: { kind: 'sgd' } } as const
  const started = threads ? await startThreadedPlan(options, training, threads) : undefined
  const compiled = started ? ok(started.plan) : compileTraining({ ...options, kernels: unwrap(await loadKernels()) }, training)
  if (!compiled.ok) return compiled
  const plan = compiled.value
  setPlanWeights(plan, weights)
  const { x, labels } = batchOf(network, images)
  must(plan.inputs[0], 'an input').data.set(x)
  plan.targets.data.set(labels)
  const step = (): number => {
    plan.train(images, { rate: RATE, key: 1 })
    return plan.losses.data.reduce((a, b) => a + b, 0) / images
  }
  return { ok: true, value: { step, close: () => started?.close() } }
}
