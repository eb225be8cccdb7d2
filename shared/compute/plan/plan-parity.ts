import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import { seededRandom } from '../../core/random.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import { cnn } from '../architectures.ts'
import { type BackendName, startBackend, useBackend } from '../backends.ts'
import type { KernelBuild, KernelModule } from '../kernels/load-kernels.ts'
import { lossPerExample, targetsOf, trainingTopology } from '../loss.ts'
import { getWeights, type Topology, weightName } from '../model.ts'
import { PARITY_TOLERANCE, relativeDistance } from '../parity.ts'
import { buildSeededModel } from '../seeded-model.ts'
import { getBackend, type LayersModel, mean, type Scalar, type Tensor, tensor, type Variable, variableGrads } from '../tf.ts'
import { compileTraining } from './compile.ts'
import { graphOf } from './graph.ts'
import { setPlanWeights } from './plan-weights.ts'

const CLASSES = 3
const IMAGES = 3
const RATE = 0.1
const LOSS = 'softmax-cross-entropy'
const INPUT = [7, 6, 2] as const
const REFERENCES: readonly { readonly topology: Topology; readonly tiled: boolean }[] = [
  // odd sizes, so that every kernel also meets its edges
  {
    tiled: false,
    topology: cnn({
      inputShape: INPUT,
      classes: CLASSES,
      blocks: [
        { filters: 9, kernel: 3, pool: 2, padding: 'same' },
        { filters: 5, kernel: 2 },
      ],
      hidden: [10],
    }),
  },
  // tiles need numbers of channels that are not odd
  {
    tiled: true,
    topology: cnn({
      inputShape: INPUT,
      classes: CLASSES,
      blocks: [
        { filters: 8, kernel: 3, pool: 2, padding: 'same' },
        { filters: 8, kernel: 3, padding: 'same' },
        { filters: 8, kernel: 5, padding: 'same' },
      ],
    }),
  },
]

type Parts = ReadonlyMap<string, Float32Array>

const checked = new Map<KernelBuild, Promise<Result<{ distance: number }>>>()

/** Lets the kernels prove themselves on small networks against tfjs's CPU backend: answers, gradients, one SGD step. Once for each build; fails with no_backend. */
export function checkPlanParity(kernels: KernelModule): Promise<Result<{ distance: number }>> {
  const running = checked.get(kernels.build) ?? check(kernels)
  checked.set(kernels.build, running)
  return running
}

async function check(kernels: KernelModule): Promise<Result<{ distance: number }>> {
  const before = getBackend() as BackendName | undefined
  const started = await startBackend('cpu')
  if (!started.ok) return started
  try {
    let worst = { name: '', distance: 0 }
    for (const { topology, tiled } of REFERENCES) {
      const model = await buildSeededModel(trainingTopology(topology).topology, 1)
      try {
        const random = seededRandom(2)
        const x = Float32Array.from({ length: IMAGES * sizeOf(INPUT) }, () => random.uniform() - 0.5)
        useBackend('cpu')
        const [want, got] = [await byTfjs(model, x), await byPlan(model, x, kernels, tiled)]
        for (const [name, values] of want) {
          const distance = relativeDistance(must(got.get(name), name), values)
          if (!(distance <= worst.distance)) worst = { name, distance }
        }
      } finally {
        model.dispose()
      }
    }
    if (worst.distance <= PARITY_TOLERANCE) return ok({ distance: worst.distance })
    const what = `the ${kernels.build} kernels compute ${worst.name} that is ${worst.distance} away from the CPU backend's, allowed ${PARITY_TOLERANCE}`
    return fail(new AppError('no_backend', what))
  } finally {
    if (before) useBackend(before)
  }
}

const labels = Int32Array.from({ length: IMAGES }, (_, i) => i % CLASSES)

async function byTfjs(model: LayersModel, x: Float32Array<ArrayBuffer>): Promise<Parts> {
  const parts = new Map<string, Float32Array>()
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable)
  const input = tensor(x, [IMAGES, ...INPUT])
  const order = labels.map((_, i) => i)
  const targets = targetsOf(LOSS, labels, order, CLASSES)
  const answers = model.apply(input) as Tensor
  const { value, grads } = variableGrads(() => mean(lossPerExample(LOSS, model.apply(input) as Tensor, targets)) as Scalar, [...variables])
  // all is computed before the first wait: others may change the backend meanwhile
  parts.set('answers', Float32Array.from(await answers.data()))
  for (const [i, variable] of variables.entries()) {
    const name = weightName(must(model.trainableWeights[i], 'a weight'))
    const gradient = Float32Array.from(await must(grads[variable.name], 'a gradient').data())
    const weight = await variable.data()
    const stepped = gradient.map((slope, j) => must(weight[j], 'a value') - RATE * slope)
    parts.set(`the gradient of ${name}`, gradient).set(`${name} after a step`, stepped)
  }
  for (const made of [input, targets, answers, value, ...Object.values(grads)]) made.dispose()
  return parts
}

async function byPlan(model: LayersModel, x: Float32Array<ArrayBuffer>, kernels: KernelModule, tiled: boolean): Promise<Parts> {
  const graph = graphOf(model)
  if (!graph.ok) throw graph.error
  const compiled = compileTraining({ graph: graph.value, kernels, batchSize: IMAGES, tiled }, { loss: LOSS, optimizer: { kind: 'sgd' } })
  if (!compiled.ok) throw compiled.error
  const plan = compiled.value
  setPlanWeights(plan, await getWeights(model))
  must(plan.inputs[0], 'an input').data.set(x)
  plan.targets.data.set(labels)
  const parts = new Map<string, Float32Array>()
  plan.differentiate(IMAGES, { key: 0 })
  parts.set('answers', plan.answers.data.slice())
  for (const [name, { data }] of plan.gradients) parts.set(`the gradient of ${name}`, data.slice())
  plan.train(IMAGES, { rate: RATE, key: 0 })
  for (const name of plan.gradients.keys()) parts.set(`${name} after a step`, must(plan.weights.get(name), name).data.slice())
  return parts
}
