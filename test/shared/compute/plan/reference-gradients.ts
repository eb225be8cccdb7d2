import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '../../../../shared/compute/backends.ts'
import { loadKernels, type KernelBuild } from '../../../../shared/compute/kernels/load-kernels.ts'
import { type LossKind, lossPerExample, targetsOf } from '../../../../shared/compute/loss.ts'
import { getWeights, weightName } from '../../../../shared/compute/model.ts'
import { compileTraining, type TrainingOptions } from '../../../../shared/compute/plan/compile.ts'
import { graphOf } from '../../../../shared/compute/plan/graph.ts'
import type { TrainingPlan } from '../../../../shared/compute/plan/plan.ts'
import { setPlanWeights } from '../../../../shared/compute/plan/plan-weights.ts'
import type { LayersModel, Tensor, Variable } from '../../../../shared/compute/tf.ts'
import { must } from '../../../../shared/core/assert.ts'
import { unwrap } from '../../../../shared/core/result.ts'
import type { Random } from '../../../../shared/core/random.ts'

export type Batch = { readonly x: Float32Array; readonly targets: Float32Array; readonly images: number }

/** Values in [-1, 1), and class numbers or values to predict. */
export function drawBatch(model: LayersModel, loss: LossKind, images: number, random: Random, below = 0): Batch {
  const size = (at: 'inputs' | 'outputs'): number =>
    must(model[at][0], 'a tensor')
      .shape.slice(1)
      .reduce<number>((a, b) => a * Number(b), 1)
  const classes = size('outputs')
  const draw = (): number => (below > 0 ? random.integer(below) : random.uniform() * 2 - 1)
  const target = (): number =>
    loss === 'softmax-cross-entropy' ? random.integer(classes) : loss === 'binary-cross-entropy' ? random.integer(2) : draw()
  return {
    images,
    x: Float32Array.from({ length: images * size('inputs') }, draw),
    targets: Float32Array.from({ length: images * (loss === 'softmax-cross-entropy' ? 1 : classes) }, target),
  }
}

/** Loss and gradients of the mean loss, by tfjs on its CPU backend. */
export async function tfjsGradients(model: LayersModel, loss: LossKind, { x, targets, images }: Batch) {
  useBackend('cpu')
  const shape = [images, ...must(model.inputs[0], 'an input').shape.slice(1).map(Number)]
  const width = Number(must(model.outputs[0], 'an output').shape.at(-1))
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
  const held: Tensor[] = []
  const { value, grads } = tf.variableGrads(() => {
    const answers = model.apply(tf.tensor(x, shape), { training: true }) as Tensor
    const labels = targetsOf(
      loss,
      targets,
      Int32Array.from({ length: targets.length }, (_, i) => i),
      width,
    )
    return tf.mean(lossPerExample(loss, answers, labels)) as tf.Scalar
  }, [...variables])
  held.push(value, ...Object.values(grads))
  const names = model.trainableWeights.map(weightName)
  const gradients = new Map<string, Float32Array>()
  for (const [i, variable] of variables.entries())
    gradients.set(must(names[i], 'a name'), Float32Array.from(await must(grads[variable.name], 'a gradient').data()))
  const [lossValue] = await value.data()
  for (const tensor of held) tensor.dispose()
  return { loss: must(lossValue, 'a loss'), gradients }
}

/** The model's plan, with the model's weights. */
export async function planOf(
  model: LayersModel,
  batchSize: number,
  training: TrainingOptions,
  build: KernelBuild = 'relaxed',
  { tiled = false }: { readonly tiled?: boolean } = {},
): Promise<TrainingPlan> {
  const options = { graph: unwrap(graphOf(model)), kernels: unwrap(await loadKernels(build)), batchSize, tiled }
  const plan = unwrap(compileTraining(options, training))
  setPlanWeights(plan, await getWeights(model))
  return plan
}

export function writeBatch(plan: TrainingPlan, { x, targets }: Batch): void {
  must(plan.inputs[0], 'an input').data.set(x)
  plan.targets.data.set(targets)
}

/** L2 distance relative to what is wanted. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [difference, norm] = [0, 0]
  for (let i = 0; i < want.length; i++) {
    difference += (must(got[i], 'a value') - must(want[i], 'a value')) ** 2
    norm += must(want[i], 'a value') ** 2
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm)
}

/** The largest relative error over all trained weights, and whose it is. */
export async function worstGradient(
  model: LayersModel,
  plan: TrainingPlan,
  loss: LossKind,
  batch: Batch,
): Promise<{ error: number; name: string }> {
  writeBatch(plan, batch)
  plan.differentiate(batch.images, { key: 1 })
  const reference = await tfjsGradients(model, loss, batch)
  let worst = { error: relativeError([meanLoss(plan, batch.images)], [reference.loss]), name: 'loss' }
  for (const [name, want] of reference.gradients) {
    const error = relativeError(must(plan.gradients.get(name), name).data, want)
    if (!(error <= worst.error)) worst = { error, name }
  }
  return worst
}

/** Relative error of the gradient by all weights together: that of one tensor alone has no bound where its examples cancel out. */
export async function wholeGradientError(model: LayersModel, plan: TrainingPlan, loss: LossKind, batch: Batch): Promise<number> {
  writeBatch(plan, batch)
  plan.differentiate(batch.images, { key: 1 })
  const { gradients } = await tfjsGradients(model, loss, batch)
  const names = [...gradients.keys()]
  return relativeError(
    names.flatMap((name) => [...must(plan.gradients.get(name), name).data]),
    names.flatMap((name) => [...must(gradients.get(name), name)]),
  )
}

const meanLoss = (plan: TrainingPlan, images: number): number => plan.losses.data.subarray(0, images).reduce((a, b) => a + b, 0) / images
