import { AppError } from '../../core/errors.ts'
import type { KernelModule } from '../kernels/load-kernels.ts'
import { type PlanOptions, type TrainingOptions, trainingParts } from './compile.ts'
import type { Graph } from './graph.ts'
import type { PlanStep, TrainingPlan } from './plan.ts'
import type { Segment } from './plan-update.ts'

/** What every part of a parallel plan is made from; can be cloned to another thread. */
export type ParallelSetup = {
  readonly graph: Graph
  readonly kernels: KernelModule
  readonly training: TrainingOptions
  /** The most examples of one part. */
  readonly partSize: number
  readonly parts: number
  readonly memory: WebAssembly.Memory
  /** Where the first part's own memory begins, and how much of it each has. */
  readonly ownBegin: number
  readonly ownBytes: number
  /** Shared control words; see below. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** Sums of squares, one for each part, and behind them the step size. */
  readonly numbers: Float64Array<SharedArrayBuffer>
}

/** A step of all parts together; `step` counts the optimizer's steps from 1. */
export type PartStep = PlanStep & { readonly total: number; readonly step: number }

export type ParallelPart = {
  readonly plan: TrainingPlan
  /** This part's share of a training step, in step with all others. `images` of its own examples take part, of `total`. */
  train(images: number, step: PartStep): void
}

/** Control words: how many have come to a meeting, how many meetings and orders there were, then the order: its kind, examples, key, number, and examples of each part. */
const ARRIVED = 0
const MEETINGS = 1
const ORDERS = 2
const KIND = 3
const TOTAL = 4
const KEY = 5
const STEP = 6
const IMAGES = 7
const TRAIN = 1
const STOP = 2
/** A part that does not come for so long has died. */
const PATIENCE_MS = 60_000
/** Looks before a thread goes to sleep: parts of equal size arrive within microseconds, and waking takes longer. */
const SPINS = 20_000
/** Floats that are added up and stepped while they stay in the first-level cache. */
const CHUNK = 2048

/** Waits until all parts are here. Throws worker_died when one does not come. */
function meet(control: Int32Array<SharedArrayBuffer>, parts: number): void {
  const meeting = Atomics.load(control, MEETINGS)
  if (Atomics.add(control, ARRIVED, 1) === parts - 1) {
    Atomics.store(control, ARRIVED, 0)
    Atomics.add(control, MEETINGS, 1)
    Atomics.notify(control, MEETINGS)
    return
  }
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, MEETINGS) !== meeting) return
  while (Atomics.load(control, MEETINGS) === meeting) {
    if (Atomics.wait(control, MEETINGS, meeting, PATIENCE_MS) === 'timed-out')
      throw new AppError('worker_died', `a part of the training plan did not answer for ${PATIENCE_MS} ms`)
  }
}

/** Room for a plan of several parts in one shared memory; `shared` are the kernels over such. Throws unsupported_op where parts would write to the same place. */
export function parallelSetup(options: PlanOptions, training: TrainingOptions, parts: number, shared: KernelModule): ParallelSetup {
  const frozen = options.graph.nodes.find(({ weights }) => weights.some(({ trainable }) => !trainable))
  if (frozen) throw new AppError('unsupported_op', `layer ${frozen.name} (${frozen.className}) has weights that every part would write`)
  const partSize = Math.ceil(options.batchSize / parts)
  // a plan in memory of its own tells how much each part needs
  const { commonEnd, end } = trainingParts({ ...options, batchSize: partSize }, training)
  const page = 65536
  const ownBytes = Math.ceil((end - commonEnd) / page) * page
  const ownBegin = Math.ceil(commonEnd / page) * page
  const pages = (ownBegin + parts * ownBytes) / page
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  return {
    graph: options.graph,
    kernels: shared,
    training,
    partSize,
    parts,
    memory,
    ownBegin,
    ownBytes,
    control: new Int32Array(new SharedArrayBuffer((IMAGES + parts) * 4)),
    numbers: new Float64Array(new SharedArrayBuffer((parts + 1) * 8)),
  }
}

/** The floats of part `part` of `parts`: multiples of 4, nearly equal. */
function segmentOf(floats: number, part: number, parts: number): Segment {
  const border = (index: number): number => Math.floor((floats / 4) * (index / parts)) * 4
  const from = border(part)
  return { from, floats: (part === parts - 1 ? floats : border(part + 1)) - from }
}

/**
 * One part. Each computes the gradients of its own examples; then each adds up one stretch of the gradients, over the parts in their order, and takes the optimizer's
 * step on it. So the same batch in as many parts always gives the same bits.
 */
export function parallelPart(setup: ParallelSetup, part: number): ParallelPart {
  const { parts, control, numbers, ownBytes, ownBegin } = setup
  const own = ownBegin + part * ownBytes
  const { plan, kernels, update, weights } = trainingParts(
    { graph: setup.graph, kernels: setup.kernels, batchSize: setup.partSize, shared: { memory: setup.memory, own } },
    setup.training,
  )
  const gradientsOf = (other: number): number => weights.gradients.address + (other - part) * ownBytes
  const sum = gradientsOf(0)
  const segment = segmentOf(weights.trained.floats, part, parts)
  const chunks: Segment[] = []
  for (let from = 0; from < segment.floats; from += CHUNK)
    chunks.push({ from: segment.from + from, floats: Math.min(CHUNK, segment.floats - from) })

  return {
    plan,
    train(images, { rate, key, total, step }) {
      if (images > 0) plan.differentiate(images, { key: (key + part * 0x632be5ab) | 0, total })
      else plan.flat.gradients.fill(0)
      meet(control, parts)
      for (const chunk of chunks) {
        for (let other = 1; other < parts; other++) kernels.addTo(sum + chunk.from * 4, gradientsOf(other) + chunk.from * 4, chunk.floats)
        update.complete(sum, chunk)
        if (!update.clips) update.apply(sum, { rate, step, norm: 0 }, chunk)
      }
      if (update.clips) {
        numbers[part] = update.sumOfSquares(sum, segment)
        meet(control, parts)
        const norm = Math.sqrt(numbers.subarray(0, parts).reduce((a, b) => a + b, 0))
        update.apply(sum, { rate, step, norm }, segment)
      }
      plan.steps = step
      meet(control, parts)
    },
  }
}

/** Does what is ordered as part `part` until told to stop. Blocks its thread once it has said that it is ready. */
export function servePart(setup: ParallelSetup, part: number, ready: () => void): void {
  const { control, numbers, parts } = setup
  const { train } = parallelPart(setup, part)
  ready()
  for (let seen = 0; ; seen++) {
    for (let spin = 0; spin < SPINS && Atomics.load(control, ORDERS) === seen; spin++);
    while (Atomics.load(control, ORDERS) === seen) Atomics.wait(control, ORDERS, seen)
    if (control[KIND] === STOP) return
    train(control[IMAGES + part] ?? 0, {
      rate: numbers[parts] ?? 0,
      key: control[KEY] ?? 0,
      total: control[TOTAL] ?? 1,
      step: control[STEP] ?? 1,
    })
  }
}

/** Gives orders to all other parts. */
export function commandParts({ control, numbers, parts }: ParallelSetup) {
  const order = (kind: number): void => {
    control[KIND] = kind
    Atomics.add(control, ORDERS, 1)
    Atomics.notify(control, ORDERS)
  }
  return {
    /** Before part 0 takes its own share. `images` are the examples of each part. */
    train(images: readonly number[], { rate, key, total, step }: PartStep): void {
      numbers[parts] = rate
      control[KEY] = key
      control[TOTAL] = total
      control[STEP] = step
      for (const [part, count] of images.entries()) control[IMAGES + part] = count
      order(TRAIN)
    },
    stop: () => order(STOP),
  }
}

/** How many of `images` examples each part takes: nearly equal, in order. */
export const shareOut = (images: number, parts: number): number[] =>
  Array.from({ length: parts }, (_, part) => Math.floor(((part + 1) * images) / parts) - Math.floor((part * images) / parts))
