import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import type { KernelModule } from '../kernels/load-kernels.ts'
import { compileShare, type PlanOptions, type TrainingOptions } from './compile.ts'
import type { Graph } from './graph.ts'
import type { TrainingPlan } from './plan.ts'
import { quickerOf } from './quicker.ts'
import { type Crew, equalShare } from './share.ts'
import { PASSES, type Pass } from './training-plan.ts'

/** What every thread of a plan is made from; can be cloned to another thread. */
export type CrewSetup = {
  readonly graph: Graph
  /** Over shared memory. */
  readonly kernels: KernelModule
  readonly training: TrainingOptions
  readonly batchSize: number
  readonly parts: number
  readonly memory: WebAssembly.Memory
  readonly control: SharedArrayBuffer
  readonly patienceMs: number
}

/** Words of `control`: how many have come to a meeting, how many meetings and orders there were, whether a thread is lost; then the order. */
const ARRIVED = 0
const MEETINGS = 1
const ORDERS = 2
const LOST = 3
const KIND = 4
const IMAGES = 5
const KEY = 6
const STEP = 7
/** Behind them the step size, a double. */
const RATE = 32
const CONTROL_BYTES = 64
/** Behind those a word for each shared step of a pass; steps beyond are cut into equal shares. */
const SLOTS = 4096
/** Pieces of a step for each thread: more of them end closer together, and cost more calls. */
const PIECES = 8
const STOP = PASSES.length
/** A thread that does not come for so long has died, unless told otherwise. */
const PATIENCE_MS = 60_000
/** Looks before a thread goes to sleep, some 50 microseconds: waking takes longer than equal shares end apart, but on a core that it shares with another one, who looks keeps that one waiting. */
const SPINS = 4_000

const lost = (what: string): AppError => new AppError('worker_died', `a thread of the training plan ${what}: train again, or on one thread`)

function viewsOf(control: SharedArrayBuffer) {
  return {
    words: new Int32Array(control),
    rate: new Float64Array(control, RATE, 1),
    /** How much of each shared step was taken. */
    taken: new Int32Array(control, CONTROL_BYTES, SLOTS),
  }
}

/** Sleeps until the word differs from `value`, or a thread is lost; soon, it is hoped. */
function untilChanged(words: Int32Array<SharedArrayBuffer>, word: number, value: number, patience: number): void {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(words, word) !== value) return
  while (Atomics.load(words, word) === value) {
    if (Atomics.load(words, LOST) !== 0) throw lost('failed')
    if (Atomics.wait(words, word, value, patience) === 'timed-out') throw lost(`did not answer for ${patience} ms`)
  }
}

function crewOf(control: SharedArrayBuffer, part: number, parts: number, patienceMs: number): Crew {
  const { words, taken } = viewsOf(control)
  return {
    part,
    parts,
    meet() {
      const meeting = Atomics.load(words, MEETINGS)
      if (Atomics.add(words, ARRIVED, 1) < parts - 1) {
        untilChanged(words, MEETINGS, meeting, patienceMs)
        return
      }
      Atomics.store(words, ARRIVED, 0)
      Atomics.add(words, MEETINGS, 1)
      Atomics.notify(words, MEETINGS)
    },
    share(slot, count, unit, work) {
      if (slot >= SLOTS) return equalShare(part, parts, count, unit, work)
      // who is quicker takes more: cores differ, and have other work at times
      const size = Math.ceil(count / (parts * PIECES) / unit) * unit
      for (let from = Atomics.add(taken, slot, size); from < count; from = Atomics.add(taken, slot, size))
        work(from, Math.min(size, count - from))
    },
  }
}

/** Tells all who wait that nobody is to wait any more. */
function giveUp(control: SharedArrayBuffer): void {
  const { words } = viewsOf(control)
  Atomics.store(words, LOST, 1)
  Atomics.notify(words, MEETINGS)
  Atomics.notify(words, ORDERS)
}

export type CrewOptions = {
  /** Threads, the first one included. */
  readonly parts: number
  /** How long a thread may take for its share of a step; a minute unless given. */
  readonly patienceMs?: number | undefined
  /** Takes every pass together, even while one thread is quicker alone: for measurements. */
  readonly always?: boolean | undefined
  readonly clock: Clock
}

export type LedCrew = {
  /**
   * Takes a pass by all threads together or, while that is quicker and where another one was lost between two passes, by the first alone: the bits are the same. A pass in
   * which one is lost throws worker_died, and so do all after it.
   */
  readonly plan: TrainingPlan
  /** What the others start from. The plan may be used once they all serve. */
  readonly setup: CrewSetup
  /** Ends the others. */
  stop(): void
  /** To be called when one of them has died. */
  lose(): void
}

/** A plan on several threads, of which this is the first; `options.kernels` are those over shared memory. Throws as compileTraining fails. */
export function leadCrew(options: Omit<PlanOptions, 'tiled'>, training: TrainingOptions, crewOptions: CrewOptions): LedCrew {
  const { parts, patienceMs = PATIENCE_MS, always = false, clock } = crewOptions
  const control = new SharedArrayBuffer(CONTROL_BYTES + 4 * SLOTS)
  const { words, rate, taken } = viewsOf(control)
  const { memory, perform, alone, plan } = compileShare(options, training, { crew: crewOf(control, 0, parts, patienceMs) })
  const { graph, kernels, batchSize } = options
  const quicker = quickerOf('together', 'alone')
  let broken: AppError | undefined
  const order = (kind: number): void => {
    words[KIND] = kind
    Atomics.add(words, ORDERS, 1)
    Atomics.notify(words, ORDERS)
  }
  const together = (pass: Pass): void => {
    words[IMAGES] = pass.images
    words[KEY] = pass.key
    words[STEP] = pass.step
    rate[0] = pass.rate
    taken.fill(0)
    order(PASSES.indexOf(pass.kind))
    try {
      perform(pass)
    } catch (thrown) {
      broken = thrown instanceof AppError ? thrown : lost('failed')
      giveUp(control)
      throw thrown
    }
  }
  const byWhom = (pass: Pass): void => {
    if (broken !== undefined) throw broken
    if (Atomics.load(words, LOST) !== 0) return alone(pass)
    // whole batches of training tell which is quicker; the rest follows
    const told = !always && pass.kind === 'train' && pass.images === batchSize
    const way = always ? 'together' : told ? quicker.next() : quicker.chosen
    const start = clock.monotonic()
    if (way === 'together') together(pass)
    else alone(pass)
    if (told) quicker.took(way, clock.monotonic() - start)
  }
  return {
    plan: plan(byWhom),
    setup: { graph, kernels, training, batchSize, parts, memory, control, patienceMs },
    stop: () => order(STOP),
    lose: () => giveUp(control),
  }
}

/** Does its share of every pass as thread `part`, until told to stop. Keeps its thread once it has said that it is ready. Throws worker_died when another is lost. */
export function serveCrew(setup: CrewSetup, part: number, ready: () => void): void {
  const { training, parts, memory, control, patienceMs } = setup
  const { words, rate } = viewsOf(control)
  const { perform } = compileShare(setup, training, { crew: crewOf(control, part, parts, patienceMs), memory })
  ready()
  try {
    for (let seen = 0; ; seen++) {
      untilChanged(words, ORDERS, seen, Number.POSITIVE_INFINITY)
      const kind = PASSES[words[KIND] ?? STOP]
      if (kind === undefined) return
      perform({ kind, images: words[IMAGES] ?? 0, key: words[KEY] ?? 0, step: words[STEP] ?? 0, rate: rate[0] ?? 0 })
    }
  } catch (thrown) {
    giveUp(control)
    throw thrown
  }
}
