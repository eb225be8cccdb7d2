import { must } from '../../core/assert.ts'
import { AppError } from '../../core/errors.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import type { LossKind } from '../loss.ts'
import type { UpdateOptions } from '../optimizers.ts'
import type { Kernels } from '../kernels/kernel-signatures.ts'
import { instantiateKernels, type KernelModule } from '../kernels/load-kernels.ts'
import { emit } from './emission.ts'
import type { Graph } from './graph.ts'
import type { Activation, Run, Step } from './lowering.ts'
import { lowerings } from './lowerings.ts'
import { growMemory, MOST_PAGES, planMemory } from './memory-plan.ts'
import type { Plan, PlanTensor, TrainingPlan } from './plan.ts'
import { placeLoss } from './plan-loss.ts'
import { placeUpdate, type Update } from './plan-update.ts'
import { imageShape, isDense } from './region.ts'
import { type FlatRegion, placeGradients, placeWeights, type WeightsLayout } from './weights-layout.ts'

export type PlanOptions = {
  readonly graph: Graph
  readonly kernels: KernelModule
  /** The most examples of a batch. */
  readonly batchSize: number
  /** Bytes that the plan may take; 2 GiB unless given. */
  readonly memoryLimit?: number
  /** Puts the plan into shared memory beside others: weights and optimizer state at the same place for all, the rest from `own` on. */
  readonly shared?: { readonly memory: WebAssembly.Memory; readonly own: number }
}

export type TrainingOptions = UpdateOptions & { readonly loss: LossKind }

export type TrainingParts = {
  readonly plan: TrainingPlan
  readonly kernels: Kernels
  readonly update: Update
  readonly weights: WeightsLayout
  /** Where what plans share ends, and where the whole plan does. */
  readonly commonEnd: number
  readonly end: number
}

/** The first addresses stay unused: a kernel given a null address by mistake writes there. */
const BASE = 1024
/** Kernels read vectors past the end of a tensor. */
const SLACK = 64
const DEFAULT_LIMIT = 2 ** 31

/** A plan that answers. Fails with unsupported_op, naming the layer and the option that has no kernel, or with out_of_memory. */
export const compileInference = (options: PlanOptions): Result<Plan> => attempt(() => compile(options, undefined).plan)

/** A plan that trains. Fails as compileInference. */
export const compileTraining = (options: PlanOptions, training: TrainingOptions): Result<TrainingPlan> =>
  attempt(() => trainingParts(options, training).plan)

/** A plan that trains, with what several of them need to share a batch. Throws as compileTraining fails. */
export const trainingParts = (options: PlanOptions, training: TrainingOptions): TrainingParts =>
  must(compile(options, training).training, 'a training plan')

function attempt<T>(make: () => T): Result<T> {
  try {
    return ok(make())
  } catch (thrown) {
    if (thrown instanceof AppError) return fail(thrown)
    throw thrown
  }
}

function compile(
  { graph, kernels: module, batchSize, memoryLimit = DEFAULT_LIMIT, shared }: PlanOptions,
  training: TrainingOptions | undefined,
) {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new AppError('invalid_input', `batchSize must be a whole number from 1, got ${batchSize}`)
  if (graph.outputs.length !== 1) throw new AppError('unsupported_op', `the model has ${graph.outputs.length} outputs`)
  const memory = shared?.memory ?? new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES })
  const kernels = instantiateKernels(module, memory)
  const run: Run = { images: batchSize, total: batchSize, training: false, rate: 0, key: 0, scratch: 0 }
  const trains = training !== undefined
  const common = planMemory(BASE, memoryLimit)
  const placed = placeWeights(graph, trains, common)
  const update = training && placeUpdate(training, kernels, placed.trained, common)
  const places = planMemory(shared?.own ?? common.end, memoryLimit)
  const weights = placeGradients(placed, places)
  const { activations, forward, prepared, backward, scratchBytes, fusable } = emit({
    graph,
    lowerings,
    kernels,
    run,
    batchSize,
    trains,
    memory: places,
    weights,
  })
  const answers = must(activations[must(graph.outputs[0], 'an output')], 'the answers')
  const staged = graph.inputs.map((at) => stage(must(activations[at], 'an input')))
  const loss = training && placeLoss(training.loss, kernels, run, answers, batchSize, places)
  run.scratch = places.allocate(scratchBytes)
  growMemory(memory, places.end + SLACK)
  places.fill(memory)

  const view = (address: number, floats: number) => new Float32Array(memory.buffer, address, floats)
  const flat = ({ address, floats }: FlatRegion) => view(address, floats)
  const tensor = (name: string, shape: readonly number[], address: number): PlanTensor => ({
    name,
    shape,
    data: view(address, sizeOf(shape)),
  })
  const perExample = (name: string, address: number) => tensor(name, [batchSize], address)
  const before = staged.flatMap(({ steps }) => steps)
  const all = [...before, ...forward]

  function stage(input: Activation): { address: number; steps: readonly Step[] } {
    if (isDense(input.value)) return { address: input.value.address, steps: [] }
    const [height, width, channels] = imageShape(input.shape)
    const row = width * channels * 4
    const address = places.allocate(batchSize * height * row)
    const { value } = input
    const copy = () => kernels.copyPixels(address, height * row, row, value.address, value.image, value.row, run.images, height, row)
    return { address, steps: [copy] }
  }

  const begin = (images: number, isTraining: boolean, total = images): void => {
    if (!Number.isInteger(images) || images < 1 || images > batchSize)
      throw new AppError('invalid_input', `a batch of this plan holds 1 to ${batchSize} examples, got ${images}`)
    run.images = images
    run.total = total
    run.training = isTraining
  }
  const plan: Plan = {
    build: module.build,
    batchSize,
    memoryBytes: memory.buffer.byteLength,
    inputs: graph.inputs.map((at, i) => {
      const node = must(graph.nodes[at], 'an input node')
      return tensor(node.name, [batchSize, ...node.shape], must(staged[i], 'a staged input').address)
    }),
    answers: tensor('answers', [batchSize, ...answers.shape], answers.value.address),
    weights: new Map(weights.all.map(({ name, shape, address }) => [name, tensor(name, shape, address)])),
    weightsSet() {
      for (const step of prepared) step()
    },
    infer(images) {
      begin(images, false)
      for (const step of all) step()
    },
  }
  if (training === undefined || loss === undefined || update === undefined) return { plan, training: undefined }

  const targetShape = loss.targetWidth === 1 ? [batchSize] : [batchSize, loss.targetWidth]
  const fused = update.fuses ? fusable : []
  /** Weights whose kernels write a gradient even when the update is fused. */
  const apart = weights.all.filter((weight) => weight.trainable && !fused.some((one) => one.weight === weight))
  const fuse = (on: boolean): void => {
    for (const { weight, target } of fused) {
      target.address = on ? weight.address : weight.gradient
      target.mode = on ? 2 : 0
    }
  }
  const forwardAndBackward = (images: number, key: number, total?: number): void => {
    begin(images, true, total)
    run.key = key
    for (const step of all) step()
    loss.step()
    for (const step of backward) step()
  }
  const trainingPlan: TrainingPlan = {
    ...plan,
    targets: tensor('targets', targetShape, loss.targets),
    exampleWeights: perExample('example weights', loss.weights),
    losses: perExample('losses', loss.losses),
    right: perExample('right', loss.right),
    gradients: new Map(
      weights.all.filter(({ trainable }) => trainable).map(({ name, shape, gradient }) => [name, tensor(name, shape, gradient)]),
    ),
    flat: { weights: flat(weights.trained), gradients: flat(weights.gradients), state: update.state.map(flat) },
    steps: 0,
    evaluate(images) {
      begin(images, false)
      for (const step of all) step()
      loss.step()
    },
    differentiate(images, { key, total }) {
      forwardAndBackward(images, key, total)
    },
    exampleGradients(images, { key }, each) {
      begin(images, true)
      const norms = new Float64Array(images)
      const perExample = [...this.inputs, this.targets, this.exampleWeights].map(({ data }) => ({ data, size: data.length / batchSize }))
      const kept = perExample.map(({ data }) => data.slice())
      for (let i = 0; i < images; i++) {
        for (const [at, { data, size }] of perExample.entries()) data.set(must(kept[at], 'a copy').subarray(i * size, (i + 1) * size))
        forwardAndBackward(1, key)
        norms[i] = Math.sqrt(kernels.sumOfSquares(weights.gradients.address, weights.gradients.floats))
        each?.(this.flat.gradients, i)
      }
      for (const [at, { data }] of perExample.entries()) data.set(must(kept[at], 'a copy'))
      return norms
    },
    train(images, { rate, key }) {
      if (!update.fuses) {
        forwardAndBackward(images, key)
        this.update({ rate })
        return
      }
      run.rate = rate
      fuse(true)
      try {
        forwardAndBackward(images, key)
      } finally {
        fuse(false)
      }
      for (const { address, gradient, size } of apart) kernels.sgdStep(address, gradient, Math.ceil(size / 4) * 4, rate, 1, 1)
      this.steps += 1
    },
    update({ rate }) {
      this.steps += 1
      const [g, all] = [weights.gradients.address, { from: 0, floats: weights.trained.floats }]
      update.complete(g, all)
      update.apply(g, { rate, step: this.steps, norm: update.clips ? Math.sqrt(update.sumOfSquares(g, all)) : 0 }, all)
    },
    anchor() {
      if (update.anchor) flat(update.anchor).set(flat(weights.trained))
    },
  }
  trainingPlan.exampleWeights.data.fill(1)
  return { plan, training: { plan: trainingPlan, kernels, update, weights, commonEnd: common.end, end: places.end + SLACK } }
}
