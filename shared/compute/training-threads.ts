import { systemClock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { unwrap } from '../core/result.ts'
import { loadKernels } from './kernels/load-kernels.ts'
import type { PlanOptions, TrainingOptions } from './plan/compile.ts'
import { type CrewSetup, leadCrew } from './plan/crew.ts'
import type { TrainingPlan } from './plan/plan.ts'

/** A thread that serves a plan (see serveCrew), as the host has it. */
export type ServingThread = {
  /** Resolves once it serves; rejects where it cannot. */
  readonly ready: Promise<void>
  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<void>
  end(): void
}

/** Threads that a training may take beside its own. */
export type TrainingThreads = {
  /** With its own. */
  readonly count: number
  start(setup: CrewSetup, part: number): ServingThread
  /** How long one may take for its share of a step; a minute unless given. */
  readonly patienceMs?: number
  /** Takes every step together, even while one thread is quicker alone: for measurements. */
  readonly always?: boolean
}

/** How many threads training takes on a device: two where they can share memory and one more core is left for the page. */
export const threadsFor = ({ isolated, cores }: { readonly isolated: boolean; readonly cores: number }): number =>
  isolated && cores > 2 ? 2 : 1

export type ThreadedPlan = { readonly plan: TrainingPlan; close(): void }

/** A plan that all the threads share, which are ready. Throws what keeps one of them from starting, and what compileTraining fails with. */
export async function startThreadedPlan(
  options: Omit<PlanOptions, 'kernels'>,
  { loss, optimizer, clipNorm, proximal }: TrainingOptions,
  { count, start, patienceMs, always }: TrainingThreads,
): Promise<ThreadedPlan> {
  if (typeof SharedArrayBuffer === 'undefined') throw new AppError('no_backend', 'threads share no memory here')
  const kernels = unwrap(await loadKernels(undefined, { shared: true }))
  const { plan, setup, stop, lose } = leadCrew(
    { ...options, kernels },
    { loss, optimizer, clipNorm, proximal },
    { parts: count, patienceMs, always, clock: systemClock },
  )
  const threads: ServingThread[] = []
  const close = (): void => {
    stop()
    for (const thread of threads) thread.end()
  }
  try {
    for (let part = 1; part < count; part++) threads.push(start(setup, part))
    await Promise.all(threads.map(({ ready }) => ready))
  } catch (thrown) {
    close()
    throw thrown
  }
  for (const { ended } of threads) void ended.then(lose)
  return { plan, close }
}
