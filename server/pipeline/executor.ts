import { must } from '../../shared/core/assert.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { Json } from '../../shared/core/json.ts'
import type { ALERT_KINDS } from '../../shared/contract/monitoring.ts'
import { type ExecutionRow, metadataStore } from '../metadata/metadata-store.ts'
import { writeBatch } from '../storage/statements.ts'
import type { Pipeline } from './pipeline.ts'
import { isDone, type Plan, plan, resumed, type PlannedStep, type StepState } from './planner.ts'
import { openRunLog, type RunLog } from './run-log.ts'
import { changeStep, endRun, type RunError, type RunRow, runStore, type StepError } from './run-store.ts'
import { STOPPING } from './step-protocol.ts'
import type { EndedStep } from './step-end.ts'
import { createStepRunner, type StepRunnerOptions } from './step-runner.ts'

export type NewAlert = {
  readonly kind: (typeof ALERT_KINDS)[number]
  readonly severity: 'info' | 'warning' | 'critical'
  readonly subject: string
  readonly title: string
  readonly detail: string
  readonly evidence: { readonly [key: string]: Json }
}

export type ExecutorOptions = StepRunnerOptions & {
  /** Steps of one run at the same time. */
  readonly parallel: number
  readonly raise: (alert: NewAlert) => Promise<unknown>
  /** Hears of what went wrong in the executor itself, outside of any step. */
  readonly onError: (thrown: unknown) => void
}

/** How long after the server's start workers are started that nothing waits for, in milliseconds. */
const WARM_AFTER = 5000

const planned = (row: ExecutionRow): PlannedStep => ({
  name: row.step,
  after: JSON.parse(row.after) as string[],
  state: row.state as StepState,
})

/** Drives runs: asks the planner, starts steps, records ends. Holds no state that the database does not hold. */
export function createExecutor(options: ExecutorOptions) {
  const { db, blobs, clock, events } = options
  const runs = runStore(db)
  const steps = createStepRunner(options)
  const driving = new Map<string, { controller: AbortController; done: Promise<void> }>()
  const closed = new AbortController()
  let closing = false

  /** What is finished and still there stays finished; everything else waits again. */
  async function rewind(run: RunRow): Promise<void> {
    const rows = await runs.steps(run.id)
    const outputs = await metadataStore(db).attached(
      rows.filter((row) => isDone(row.state as StepState)).map((row) => row.id),
      'output',
    )
    const lost = new Set<string>()
    for (const { execution, artifact } of outputs) if (artifact.digest === null || !(await blobs.has(artifact.digest))) lost.add(execution)
    const states = new Map(resumed(rows.map(planned)).map((step) => [step.name, step.state]))
    const again = rows.filter((row) => (lost.has(row.id) || states.get(row.step) === 'waiting') && row.state !== 'waiting')
    await runs.setSteps(
      again.map((row) => row.id),
      'waiting',
    )
  }

  async function drive(run: RunRow, pipeline: Pipeline, signal: AbortSignal): Promise<void> {
    const log = openRunLog({ db, clock, run: run.id })
    const running = new Map<string, Promise<unknown>>()
    // as they are recorded: what a step's end has changed is not read again
    const rows = await runs.steps(run.id)
    const states = rows.map(planned)
    const outputs = new Map<string, EndedStep['outputs']>()
    while (!closing) {
      // a step is marked as running only when it is known that it must be done
      const known = states.map((step) => (running.has(step.name) ? { ...step, state: 'running' as const } : step))
      const next = plan(known, { parallel: options.parallel, cancelled: signal.aborted })
      if (next.kind === 'end') return finish(run, rows, next, log)
      for (const name of next.start) {
        const row = must(
          rows.find((other) => other.step === name),
          'a planned step',
        )
        running.set(
          name,
          steps
            .run(run, pipeline, row, { rows, outputs }, log, {
              signal,
              halted: () => closing,
              onBegun: () => expectNext(pipeline, known, next.start),
            })
            .then((ended) => {
              if (ended === undefined) return
              const index = rows.indexOf(row)
              rows[index] = ended.row
              states[index] = planned(ended.row)
              outputs.set(name, ended.outputs)
            })
            .finally(() => running.delete(name)),
        )
      }
      await Promise.race(running.values())
    }
    await Promise.allSettled(running.values())
  }

  /** What comes when these have ended is loaded meanwhile, in workers that wait. */
  function expectNext(pipeline: Pipeline, known: readonly PlannedStep[], started: readonly string[]): void {
    const ended = known.map((step) =>
      step.state === 'running' || started.includes(step.name) ? { ...step, state: 'succeeded' as const } : step,
    )
    const next = plan(ended, { parallel: options.parallel })
    for (const name of next.kind === 'go' ? next.start : []) {
      const { component } = must(pipeline.steps[name], 'the definition of a step')
      if ((component.limits?.memoryMb ?? options.limits.memoryMb) === options.limits.memoryMb) options.workers.expect(component.module)
    }
  }

  async function finish(run: RunRow, rows: readonly ExecutionRow[], end: Extract<Plan, { kind: 'end' }>, log: RunLog): Promise<void> {
    const at = clock.now()
    const culprit = rows.find((row) => row.state === end.state && row.error !== null)
    const cause = culprit?.error ? (JSON.parse(culprit.error) as StepError) : undefined
    const cancelled: RunError = { code: 'aborted', detail: (await runs.get(run.id))?.cancel ?? 'cancelled', step: culprit?.step ?? null }
    const broken: RunError = {
      code: cause?.code ?? 'internal',
      detail: cause?.detail ?? 'a step could not start',
      step: culprit?.step ?? null,
    }
    const error = end.state === 'succeeded' ? null : end.state === 'cancelled' ? cancelled : broken
    log.add(
      null,
      error === null ? 'info' : 'warn',
      error === null ? 'the run has succeeded' : `the run ended as ${end.state}: ${error.detail}`,
    )
    await log.written()
    const skipped = rows.filter((row) => end.skip.includes(row.step))
    const state = end.state === 'cancelled' ? 'cancelled' : 'skipped'
    await writeBatch(db, [
      ...skipped.map((row) => changeStep(row.id, { state })),
      endRun(run.id, { state: end.state, ended: at, error: error && JSON.stringify(error) }),
      ...log.taken(),
    ])
    await log.flush()
    events.publish({
      type: 'run.changed',
      subject: run.pipeline,
      data: { run: run.id, pipeline: run.pipeline, step: null, state: end.state },
    })
    if (error !== null && end.state !== 'cancelled') await options.raise(alertOf(run, end.state, error))
  }

  return {
    /** Starts or goes on with a run in the background. */
    start(run: RunRow, pipeline: Pipeline): Promise<void> {
      const controller = new AbortController()
      const go = async () => {
        await rewind(run)
        await runs.setState(run.id, 'running', { started: run.started ?? clock.now(), ended: null, error: null })
        events.publish({
          type: 'run.changed',
          subject: run.pipeline,
          data: { run: run.id, pipeline: run.pipeline, step: null, state: 'running' },
        })
        if (run.cancel !== null) controller.abort(new AppError('aborted', run.cancel))
        await drive(run, pipeline, controller.signal)
      }
      const done = go()
        .catch(async (thrown: unknown) => {
          options.onError(thrown)
          // or it would be taken up again and again
          await runs.setState(run.id, 'failed', {
            ended: clock.now(),
            error: { code: 'internal', detail: toAppError(thrown).detail, step: null },
          })
        })
        .catch(options.onError)
        .finally(() => driving.delete(run.id))
      driving.set(run.id, { controller, done })
      return done
    },

    /** Starts workers for steps to come once the server has had time for its start; without it, the first step starts them. */
    warm: (): void => {
      void clock.sleep(WARM_AFTER, closed.signal).then(options.workers.fill, () => {})
    },

    running: (): string[] => [...driving.keys()],

    /** False when the run is not being driven here. */
    cancel(run: string, reason: string): boolean {
      const found = driving.get(run)
      found?.controller.abort(new AppError('aborted', reason))
      return found !== undefined
    },

    /** Ends what runs and leaves what was unfinished as it is in the database, to be resumed. */
    async close(): Promise<void> {
      closing = true
      closed.abort()
      for (const { controller } of driving.values()) controller.abort(new AppError('aborted', STOPPING))
      await Promise.allSettled([...driving.values()].map(({ done }) => done))
    },
  }
}

function alertOf(run: RunRow, state: string, error: RunError): NewAlert {
  const kind = error.code === 'schema_anomaly' ? 'data-anomaly' : state === 'stopped' ? 'refused' : 'run-failed'
  const title = { 'data-anomaly': 'the data does not fit its schema', refused: 'the candidate was refused', 'run-failed': 'a run failed' }[
    kind
  ]
  return {
    kind,
    severity: state === 'stopped' ? 'warning' : 'critical',
    subject: run.pipeline,
    title: `${run.pipeline}: ${title}`,
    detail: error.detail,
    evidence: { run: run.id, pipeline: run.pipeline, step: error.step, code: error.code },
  }
}

export type Executor = ReturnType<typeof createExecutor>
