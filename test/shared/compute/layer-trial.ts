import * as layers from '@tensorflow/tfjs-layers'
import type { SymbolicTensor } from '@tensorflow/tfjs-layers'
import { type KernelBuild, loadKernels } from '../../../shared/compute/kernels/load-kernels.ts'
import { compileTraining } from '../../../shared/compute/plan/compile.ts'
import { graphOf } from '../../../shared/compute/plan/graph.ts'
import type { TrainingPlan } from '../../../shared/compute/plan/plan.ts'
import { setPlanWeights } from '../../../shared/compute/plan/plan-weights.ts'
import { ok, type Result, unwrap } from '../../../shared/core/result.ts'
import type { BackendName } from '../../../shared/compute/backends.ts'
import { useBackend } from '../../../shared/compute/backends.ts'
import { asIs } from '../../../shared/compute/examples.ts'
import { repairLayers } from '../../../shared/compute/layer-repairs.ts'
import { trainingTopology } from '../../../shared/compute/loss.ts'
import { getWeights, type Topology, weightName } from '../../../shared/compute/model.ts'
import { buildSeededModel, reseedDropout } from '../../../shared/compute/seeded-model.ts'
import type { Variable } from '../../../shared/compute/tf.ts'
import { trainBatch } from '../../../shared/compute/training-step.ts'
import type { LabelledData } from '../../../shared/compute/training-totals.ts'
import { must } from '../../../shared/core/assert.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import type { LayerCase } from './layer-cases.ts'

export const TRIAL_BATCH = 5
const CLASSES = 3
const SEED = 11

/** A layer with weights in front of the one on trial, so that the gradient has to come through that one. */
function before(rank: number, x: SymbolicTensor): SymbolicTensor {
  const channels = must(x.shape.at(-1), 'channels')
  if (rank === 1) return layers.layers.dense({ units: channels, biasInitializer: 'randomNormal' }).apply(x) as SymbolicTensor
  const options = { filters: channels, kernelSize: 1, biasInitializer: 'randomNormal' as const }
  if (rank === 2) return layers.layers.conv1d(options).apply(x) as SymbolicTensor
  if (rank === 3) return layers.layers.conv2d(options).apply(x) as SymbolicTensor
  return layers.layers.conv3d(options).apply(x) as SymbolicTensor
}

/** The topology of a classifier: weights, the layer on trial, weights. */
export function trialTopology({ input, integers, apply }: LayerCase): Topology {
  repairLayers()
  const x = layers.input({ shape: [...input] })
  const applied = apply(integers === undefined ? before(input.length, x) : x)
  const flat = applied.shape.length === 2 ? applied : (layers.layers.flatten().apply(applied) as SymbolicTensor)
  const outputs = layers.layers.dense({ units: CLASSES, activation: 'softmax', name: 'output' }).apply(flat) as SymbolicTensor
  const model = layers.model({ inputs: x, outputs })
  const topology = model.toJSON(null, false) as unknown as Topology
  model.dispose()
  return topology
}

export function trialData({ input, integers }: LayerCase): LabelledData {
  const random = seededRandom(SEED)
  const shape = [TRIAL_BATCH, ...input]
  const length = shape.reduce((a, b) => a * b, 1)
  const data = Float32Array.from({ length }, () => (integers === undefined ? normal(random) : random.integer(integers)))
  return { examples: { data, shape }, labels: Int32Array.from({ length: TRIAL_BATCH }, () => random.integer(CLASSES)) }
}

export type Gradients = { readonly loss: number; readonly byWeight: Readonly<Record<string, Float32Array>> }

/** Loss and gradients of the first training step, as the trainer computes them on this backend. */
export async function tfjsGradients(topology: Topology, data: LabelledData, backend: BackendName): Promise<Gradients> {
  useBackend(backend)
  const ready = trainingTopology(topology)
  const model = await buildSeededModel(ready.topology, SEED)
  try {
    const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
    reseedDropout(model, seededRandom(SEED))
    const byWeight: Record<string, Float32Array> = {}
    const indices = Int32Array.from({ length: data.labels.length }, (_, i) => i)
    const totals = await trainBatch(
      { model, loss: ready.loss, variables },
      data,
      indices,
      { transform: asIs, random: seededRandom(SEED) },
      (gradients) => {
        for (const [i, gradient] of gradients.entries()) {
          const name = weightName(must(model.trainableWeights[i], 'a weight'))
          byWeight[name] = (gradient.dataSync() as Float32Array).slice()
        }
      },
    )
    return { loss: totals.loss / totals.count, byWeight }
  } finally {
    model.dispose()
  }
}

/** A training plan for this model, its weights and batch in place; the error where there is none. */
async function compileTrial(topology: Topology, data: LabelledData, build?: KernelBuild): Promise<Result<TrainingPlan>> {
  const ready = trainingTopology(topology)
  const model = await buildSeededModel(ready.topology, SEED)
  try {
    const graph = graphOf(model)
    if (!graph.ok) return graph
    const kernels = unwrap(await loadKernels(build === undefined ? {} : { build }))
    // one more than the batch holds: nothing may depend on the batch being full
    const options = { graph: graph.value, kernels, batchSize: data.labels.length + 1 }
    const compiled = compileTraining(options, { loss: ready.loss, optimizer: { kind: 'adam' } })
    if (!compiled.ok) return compiled
    setPlanWeights(compiled.value, await getWeights(model))
    must(compiled.value.inputs[0], 'an input').data.set(data.examples.data)
    compiled.value.targets.data.set(data.labels)
    return compiled
  } finally {
    model.dispose()
  }
}

export const trialPlan = async (topology: Topology, data: LabelledData): Promise<TrainingPlan> => unwrap(await compileTrial(topology, data))

/** Loss and gradients of the same step by a training plan; the error where it has none for this model. */
export async function planGradients(topology: Topology, data: LabelledData, build?: KernelBuild): Promise<Result<Gradients>> {
  const compiled = await compileTrial(topology, data, build)
  if (!compiled.ok) return compiled
  const plan = compiled.value
  plan.differentiate(data.labels.length, { key: SEED })
  const losses = plan.losses.data.subarray(0, data.labels.length)
  const byWeight = Object.fromEntries([...plan.gradients].map(([name, { data: values }]) => [name, values.slice()]))
  return ok({ loss: losses.reduce((a, b) => a + b, 0) / losses.length, byWeight })
}

const norm = (values: Float32Array): number => Math.hypot(...values)

/**
 * Largest relative L2 distance of a weight's gradient. A gradient that is nothing but rounding (a bias in front of a normalisation) is
 * measured against the largest of the model's gradients instead.
 */
export function gradientDistance(got: Gradients, want: Gradients): { distance: number; where: string } {
  const largest = Math.max(...Object.values(want.byWeight).map(norm))
  let worst = { distance: Math.abs(got.loss - want.loss) / Math.abs(want.loss), where: 'loss' }
  for (const [name, expected] of Object.entries(want.byWeight)) {
    const values = must(got.byWeight[name], `a gradient of ${name}`)
    const difference = norm(expected.map((value, i) => value - (values[i] ?? Number.NaN)))
    const distance = difference / Math.max(norm(expected), 1e-2 * largest)
    if (!(distance <= worst.distance)) worst = { distance, where: name }
  }
  return worst
}
