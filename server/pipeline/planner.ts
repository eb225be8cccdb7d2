import type { RUN_STATES, STEP_STATES } from '../../shared/contract/pipelines.ts'

export type StepState = (typeof STEP_STATES)[number]
export type RunState = (typeof RUN_STATES)[number]

/** What the planner needs to know of a step: what it waits for, and how far it is. */
export type PlannedStep = { readonly name: string; readonly after: readonly string[]; readonly state: StepState }

export type Plan =
  /** Start these now. Empty while others run. */
  | { readonly kind: 'go'; readonly start: readonly string[] }
  /** Nothing is left to do: mark these as skipped, and the run as ended. */
  | {
      readonly kind: 'end'
      readonly state: Extract<RunState, 'succeeded' | 'failed' | 'stopped' | 'cancelled'>
      readonly skip: readonly string[]
    }

const DONE: ReadonlySet<StepState> = new Set(['succeeded', 'cached'])
const BROKEN: readonly StepState[] = ['failed', 'stopped', 'cancelled']

export const isDone = (state: StepState): boolean => DONE.has(state)

/**
 * What to do next, from the recorded states alone. Steps start when all they wait for is done, at most `parallel` at a time, in the order of the definition. After a
 * failure, a refusal or a cancellation nothing new starts; what runs may end.
 */
export function plan(steps: readonly PlannedStep[], options: { readonly parallel: number; readonly cancelled?: boolean }): Plan {
  const running = steps.filter((step) => step.state === 'running').length
  const broken =
    BROKEN.find((state) => steps.some((step) => step.state === state)) ?? (options.cancelled === true ? 'cancelled' : undefined)
  if (broken !== undefined) {
    if (running > 0) return { kind: 'go', start: [] }
    const skip = steps.filter((step) => step.state === 'waiting').map((step) => step.name)
    return { kind: 'end', state: broken as 'failed' | 'stopped' | 'cancelled', skip }
  }
  const states = new Map(steps.map((step) => [step.name, step.state]))
  const ready = steps.filter((step) => step.state === 'waiting' && step.after.every((name) => isDone(states.get(name) ?? 'waiting')))
  const start = ready.slice(0, Math.max(0, options.parallel - running)).map((step) => step.name)
  if (start.length > 0 || running > 0) return { kind: 'go', start }
  const stuck = steps.filter((step) => !isDone(step.state)).map((step) => step.name)
  return stuck.length === 0 ? { kind: 'end', state: 'succeeded', skip: [] } : { kind: 'end', state: 'failed', skip: stuck }
}

/** The states from which a run goes on, after a crash or on demand: what is finished stays, everything else waits again. */
export function resumed(steps: readonly PlannedStep[]): PlannedStep[] {
  return steps.map((step) => (isDone(step.state) ? step : { ...step, state: 'waiting' }))
}
