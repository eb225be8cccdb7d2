import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { flushCompileCache } from 'node:module'
import { parentPort } from 'node:worker_threads'
import * as z from 'zod'
import { createClient } from '../../shared/contract/client.ts'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { StepId } from '../../shared/core/ids.ts'
import type { AnyComponent, StepContext, StepInput, StepResult } from './component.ts'
import { BRIDGE_URL, bridgedFetch } from './fetch-bridge.ts'
import { bridgedBlobs, failureOf } from './step-blobs.ts'
import type { FromStep, FromWorker, PortName, StepPort, StepTask, ToWorker } from './step-protocol.ts'
import { watchTraces } from './worker-traces.ts'

/** The thread that steps run in, one at a time: loads the component's module, runs it, tells the result, and says whether it is as it was before. */
const port = must(parentPort, 'a parent thread')
let steps = 0
let instances = 0
/** Loaded while this worker waited, for a step that is to come. */
let ahead: { readonly module: string; readonly exported: Promise<Record<string, unknown>> } | undefined
let current: Current | undefined
const say = (message: FromWorker, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer)

type Current = {
  readonly step: StepId
  readonly controller: AbortController
  readonly ports: Map<PortName, (message: never) => void>
}

/** This side of a port of a step, for as long as that is the current one. */
const portOf = (step: Current, name: PortName): StepPort => ({
  postMessage(message, transfer) {
    if (current === step) say({ kind: 'port', step: step.step, port: name, message }, transfer)
  },
  on: (_event, listener) => step.ports.set(name, listener),
  close: () => step.ports.delete(name),
})

/** A module instance of its own for each step: no step sees another one's variables. */
const instanceOf = (module: string): Promise<Record<string, unknown>> =>
  import(++instances === 1 ? module : `${module}?instance=${instances}`) as Promise<Record<string, unknown>>

function loadAhead(module: string): void {
  ahead = { module, exported: instanceOf(module) }
  // told by the step that needs it
  ahead.exported.catch(() => {})
}

async function load({ module, component, componentVersion }: StepTask): Promise<AnyComponent> {
  const exported = await (ahead?.module === module ? ahead.exported : instanceOf(module))
  ahead = undefined
  const found = Object.values(exported).find((value): value is AnyComponent => {
    const candidate = value as Partial<AnyComponent> | null
    return (
      typeof candidate === 'object' &&
      candidate?.name === component &&
      candidate.version === componentVersion &&
      typeof candidate.run === 'function'
    )
  })
  if (found === undefined)
    throw new AppError('invalid_pipeline', `${module} exports no component ${component} of version ${componentVersion}`)
  return found
}

const inputOf = (name: string, given: StepTask['inputs'][string]): StepInput => ({
  ...given,
  json: async (schema) => {
    const text = await readFile(given.path, 'utf8')
    const parsed = schema['~standard'].validate(JSON.parse(text))
    const result = parsed instanceof Promise ? await parsed : parsed
    if (result.issues === undefined) return result.value as never
    const issues = result.issues.map((issue) => ({
      where: `inputs.${name}.${(issue.path ?? []).map(String).join('.')}`,
      what: issue.message,
    }))
    throw new AppError('invalid_document', `input ${name} is not what it should be: ${issues[0]?.where} ${issues[0]?.what}`, { issues })
  },
})

/** Progress is told at most so often, in milliseconds, except for its end. */
const PROGRESS_EVERY = 200

function contextOf(task: StepTask, step: Current, tell: (message: FromStep) => void): StepContext {
  let told = Number.NEGATIVE_INFINITY
  const log = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string) => tell({ kind: 'log', level, message })
  return {
    run: task.run,
    step: task.step,
    pipeline: task.pipeline,
    idempotencyKey: task.idempotencyKey,
    inputs: Object.fromEntries(Object.entries(task.inputs).map(([name, given]) => [name, inputOf(name, given)])),
    params: task.params,
    reads: task.reads,
    seed: task.seed,
    api: createClient({ url: BRIDGE_URL, fetch: bridgedFetch(portOf(step, 'api')) }),
    blobs: bridgedBlobs(portOf(step, 'blobs')),
    // made for a step that asks for it: most need none
    get folder() {
      mkdirSync(task.folder, { recursive: true })
      return task.folder
    },
    kept: task.kept,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    progress: (done, total, note = '') => {
      const now = systemClock.monotonic()
      if (done < total && now - told < PROGRESS_EVERY) return
      told = now
      tell({ kind: 'progress', done, total, note: note.slice(0, 300) })
    },
    logMetrics: (values, step = 0) => {
      const at = systemClock.now()
      tell({
        kind: 'metrics',
        points: Object.entries(values).map(([name, value]) => ({ name: name.slice(0, 250), value, step: Math.trunc(step), at })),
      })
    },
    signal: step.controller.signal,
    clock: systemClock,
  }
}

/** Throws where a step says that it made something else than its component declares. */
function checkResult(component: AnyComponent, result: StepResult): StepResult {
  if (result.refused !== undefined) return result
  const missing = Object.keys(component.outputs).filter((name) => !Object.hasOwn(result.outputs, name))
  if (missing.length > 0) throw new AppError('step_failed', `${component.name} ended without its output ${missing.join(', ')}`)
  return result
}

async function take(task: StepTask): Promise<void> {
  const step: Current = { step: task.step, controller: new AbortController(), ports: new Map() }
  current = step
  steps++
  const tell = (message: FromStep) => say({ kind: 'said', step: task.step, message })
  let failed = true
  try {
    const component = await load(task)
    const result = checkResult(component, await component.run(contextOf(task, step, tell) as never))
    tell({ kind: 'done', result })
    failed = false
  } catch (thrown) {
    tell({ kind: 'failed', failure: failureOf(thrown) })
  }
  current = undefined
  const why = failed ? 'its step failed' : await traces.found(steps)
  say(why === undefined ? { kind: 'ready' } : { kind: 'spent', why })
}

// components need zod: loaded while the worker waits, with the globals that it sets at its first schemas
z.object({})
const traces = watchTraces()
port.on('message', (message: ToWorker) => {
  if (message.kind === 'step') void take(message.task)
  else if (message.kind === 'load') loadAhead(message.module)
  else if (message.step !== current?.step) return
  else if (message.kind === 'port') current.ports.get(message.port)?.(message.message as never)
  else current.controller.abort(new AppError('aborted', message.reason))
})
say({ kind: 'ready' })
// its process may be killed at any time, and would write what it has compiled at its end only
flushCompileCache()
