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
import type { Activation } from './lowering.ts'
import { lowerings } from './lowerings.ts'
import { makeMemory, planMemory } from './memory-plan.ts'
import type { Plan, PlanTensor, TrainingPlan } from './plan.ts'
import { placeLoss } from './plan-loss.ts'
import { placeUpdate } from './plan-update.ts'
import { imageShape, isDense } from './region.ts'
import type { Run } from './run.ts'
import { ALONE, byImages, type Crew, sequence, type Step } from './share.ts'
import { checkBatch, type Passes, passesOf, type Perform, trainingPlan } from './training-plan.ts'
import { placeGradients, placeWeights } from './weights-layout.ts'

export type PlanOptions = {
  readonly graph: Graph
  readonly kernels: KernelModule
  /** The most examples of a batch. */
  readonly batchSize: number
  /** Bytes that the plan may take; 2 GiB unless given. */
  readonly memoryLimit?: number
  /** Convolutions go by tiles wherever they can, whether that pays or not: so small ones prove it. */
  readonly tiled?: boolean
}

export type TrainingOptions = UpdateOptions & { readonly loss: LossKind }

/** The place of a plan among those of several threads, which all compile the same graph over one shared memory. */
export type CrewPlace = {
  readonly crew: Crew
  /** The shared memory; the first thread makes it. */
  readonly memory?: WebAssembly.Memory
}

/** One thread's part of a plan that trains: does its share of a pass, and makes the plan from how a pass is performed by all. */
export type CompiledTraining = Passes & {
  readonly memory: WebAssembly.Memory
  plan(perform: Perform): TrainingPlan
}

/** The first addresses stay unused: a kernel given a null address by mistake writes there. */
const BASE = 1024
/** Kernels read vectors past the end of a tensor. */
const SLACK = 64
const DEFAULT_LIMIT = 2 ** 31
/** Threads do not write to the same line of the cache. */
const LINE = 128

/** A plan that answers. Fails with unsupported_op, naming the layer and the option that has no kernel, or with out_of_memory. */
export const compileInference = (options: PlanOptions): Result<Plan> => attempt(() => compile(options, undefined, { crew: ALONE }).plan)

/** A plan that trains. Fails as compileInference. */
export const compileTraining = (options: PlanOptions, training: TrainingOptions): Result<TrainingPlan> =>
  attempt(() => {
    const { plan, perform } = compileShare(options, training, { crew: ALONE })
    return plan(perform)
  })

/** A plan that trains on the threads of a crew. Throws as compileTraining fails. */
export const compileShare = (options: PlanOptions, training: TrainingOptions, place: CrewPlace): CompiledTraining =>
  must(compile(options, training, place).training, 'a training plan')

function attempt<T>(make: () => T): Result<T> {
  try {
    return ok(make())
  } catch (thrown) {
    if (thrown instanceof AppError) return fail(thrown)
    throw thrown
  }
}

function compile(
  { graph, kernels: module, batchSize, memoryLimit = DEFAULT_LIMIT, tiled = false }: PlanOptions,
  training: TrainingOptions | undefined,
  { crew, memory: given }: CrewPlace,
) {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new AppError('invalid_input', `batchSize must be a whole number from 1, got ${batchSize}`)
  if (graph.outputs.length !== 1) throw new AppError('unsupported_op', `the model has ${graph.outputs.length} outputs`)
  // filled once it is known how much memory they run in
  const kernels = {} as Kernels
  const { part, parts } = crew
  const run: Run = { images: batchSize, training: false, rate: 0, key: 0, step: 0, scratch: 0, parts }
  const trains = training !== undefined
  const places = planMemory(BASE, memoryLimit)
  const placed = placeWeights(graph, trains, places)
  const update = training && placeUpdate(training, kernels, run, placed.trained, places)
  const weights = placeGradients(placed, places)
  const { activations, forward, prepared, backward, scratchBytes, fusable } = emit({
    graph,
    lowerings,
    kernels,
    run,
    batchSize,
    trains,
    tiled,
    memory: places,
    weights,
  })
  const answers = must(activations[must(graph.outputs[0], 'an output')], 'the answers')
  const staged = graph.inputs.map((at) => stage(must(activations[at], 'an input')))
  const loss = training && placeLoss(training.loss, kernels, run, answers, batchSize, places)
  const ownScratch = Math.ceil(scratchBytes / LINE) * LINE + LINE
  run.scratch = places.allocate(parts * ownScratch) + part * ownScratch
  const memory = given ?? makeMemory(places.end + SLACK, parts > 1)
  Object.assign(kernels, instantiateKernels(module, memory))
  if (part === 0) places.fill(memory)

  const view = (address: number, floats: number) => new Float32Array(memory.buffer, address, floats)
  const tensor = (name: string, shape: readonly number[], address: number): PlanTensor => ({
    name,
    shape,
    data: view(address, sizeOf(shape)),
  })
  const before = staged.flatMap(({ steps }) => steps)
  const all = [...before, ...(trains ? prepared : []), ...forward]

  function stage(input: Activation): { address: number; steps: readonly Step[] } {
    if (isDense(input.value)) return { address: input.value.address, steps: [] }
    const [height, width, channels] = imageShape(input.shape)
    const row = width * channels * 4
    const address = places.allocate(batchSize * height * row)
    const { address: to, image, row: toRow } = input.value
    const copy = byImages(run, (first, images) =>
      kernels.copyPixels(address + first * height * row, height * row, row, to + first * image, image, toRow, images, height, row),
    )
    return { address, steps: [copy] }
  }

  const [infer, prepare] = [sequence(all, ALONE), sequence(prepared, ALONE)]
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
    weightsSet: prepare,
    infer(images) {
      checkBatch(images, batchSize)
      run.images = images
      infer()
    },
  }
  if (loss === undefined || update === undefined) return { plan, training: undefined }

  const passes = passesOf({ run, crew, kernels, forward: all, loss, backward, update, weights, fusable })
  const compiled: CompiledTraining = {
    ...passes,
    memory,
    plan: (byAll) => trainingPlan({ plan, kernels, loss, update, weights, tensor, view, perform: byAll }),
  }
  return { plan, training: compiled }
}
