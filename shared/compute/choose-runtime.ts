import { type Clock, systemClock } from '../core/clock.ts'
import { AppError, type ErrorCode, toAppError } from '../core/errors.ts'
import { type Result, unwrap } from '../core/result.ts'
import type { ModelTensor } from '../tensor/model-tensor.ts'
import { type BackendChoice, type BackendTiming, type CandidateName, CANDIDATES, whyOf } from './backend-choice.ts'
import type { BackendOptions } from './backends.ts'
import { emptyInput } from './empty-input.ts'
import { yieldToEventLoop } from './event-loop.ts'
import { loadRuntime, type RuntimeModel } from './load-runtime.ts'
import { provenBackend } from './proven-backend.ts'
import type { Runtime } from './runtime.ts'

export type ChooseOptions<Proof> = BackendOptions & {
  readonly model: RuntimeModel
  /** What the candidates are timed on: an example as the model is asked about. One of zeros where left out. */
  readonly inputs?: readonly ModelTensor[]
  readonly candidates?: readonly CandidateName[]
  /** Candidates that are out of the question, and why. */
  readonly excluded?: BackendChoice['skipped']
  /** An earlier choice under the same model digest and computeFingerprint(): taken without measuring where it still works. */
  readonly remembered?: BackendChoice
  /** What runs now: it stays unless another is faster by a tenth, so that noise does not move a model to and fro. */
  readonly incumbent?: CandidateName
  /** What a runtime has to show before it may answer: its self-test. */
  readonly prove?: (runtime: Runtime) => Promise<Result<Proof>>
  readonly clock?: Clock
}

export type Chosen<Proof> = { readonly runtime: Runtime; readonly choice: BackendChoice; readonly proof: Proof | undefined }

type Entrant<Proof> = { readonly name: CandidateName; readonly runtime: Runtime; readonly proof: Proof | undefined } & {
  readonly first: number
  readonly warm: number[]
}

/** Time spent on one candidate beyond its first two predictions, milliseconds; and runs, where they are quicker than that. */
const BUDGET_MS = 150
const MOST_RUNS = 25
const LEAST_RUNS = 3
/** Whose second prediction takes so much longer than the best one's is out without further runs. */
const HOPELESS = 4
/** Where another candidate answers more slowly than this, plain JavaScript is not measured: it is the fastest for the smallest models only, and may take seconds. */
const CPU_WORTH_MS = 20
const FASTER = 0.9
/** Failures of the model rather than of the host: every candidate meets them. */
const OF_THE_MODEL: ReadonlySet<ErrorCode> = new Set([
  'self_test_failed',
  'invalid_document',
  'shape_mismatch',
  'unsupported_op',
  'out_of_memory',
])

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY

/**
 * The fastest way to run this model here, by measurement, loaded and proven. A candidate that does not start, differs from the CPU backend, fails the proof or
 * cannot run the model is left out. Throws what is wrong with the model where that is what stops every candidate, else no_backend with every reason.
 */
export async function chooseRuntime<Proof>(options: ChooseOptions<Proof>): Promise<Chosen<Proof>> {
  const { candidates = CANDIDATES, excluded = {}, remembered, incumbent, clock = systemClock } = options
  const skipped: Partial<Record<CandidateName, string>> = { ...excluded }
  const failures: AppError[] = []
  const fail = (name: CandidateName, thrown: unknown): void => {
    const error = toAppError(thrown)
    skipped[name] = error.detail
    failures.push(error)
  }
  if (remembered !== undefined && candidates.includes(remembered.candidate) && skipped[remembered.candidate] === undefined) {
    try {
      const { runtime, proof } = await open(remembered.candidate, options)
      return { runtime, proof, choice: { ...remembered, remembered: true } }
    } catch (thrown) {
      fail(remembered.candidate, thrown)
    }
  }
  const entrants: Entrant<Proof>[] = []
  const timings: Partial<Record<CandidateName, BackendTiming>> = {}
  try {
    for (const name of candidates) {
      if (skipped[name] !== undefined) continue
      const best = Math.min(...entrants.map(({ warm }) => median(warm)))
      if (name === 'cpu' && best > CPU_WORTH_MS && best !== Number.POSITIVE_INFINITY) {
        skipped[name] = 'not measured, as it is the fastest for models that answer within milliseconds only'
        continue
      }
      await enter(name, options, clock).then(
        (entrant) => entrants.push(entrant),
        (thrown: unknown) => fail(name, thrown),
      )
    }
    await race(entrants, options, clock)
    for (const { name, first, warm } of entrants) timings[name] = { first, median: median(warm) }
    const best = fastest(entrants, incumbent)
    if (best === undefined) throw nothingRuns(skipped, failures)
    const { name: candidate, runtime, proof } = best
    entrants.splice(entrants.indexOf(best), 1)
    const facts = { candidate, timings, skipped }
    const { backend, engine } = runtime
    return { runtime, proof, choice: { ...facts, backend, engine, measured: clock.now(), remembered: false, why: whyOf(facts) } }
  } finally {
    for (const { runtime } of entrants) runtime.dispose()
  }
}

async function open<Proof>(name: CandidateName, options: ChooseOptions<Proof>): Promise<{ runtime: Runtime; proof: Proof | undefined }> {
  unwrap(await provenBackend(name, options.model, options))
  const runtime = await loadRuntime(options.model, name, options)
  try {
    return { runtime, proof: options.prove && unwrap(await options.prove(runtime)) }
  } catch (thrown) {
    runtime.dispose()
    throw thrown
  }
}

const timed = async (runtime: Runtime, inputs: readonly ModelTensor[], clock: Clock): Promise<number> => {
  const start = clock.monotonic()
  await runtime.predict(inputs)
  return clock.monotonic() - start
}

const inputsFor = ({ inputs }: { inputs?: readonly ModelTensor[] }, runtime: Runtime) => inputs ?? runtime.inputs.map(emptyInput)

async function enter<Proof>(name: CandidateName, options: ChooseOptions<Proof>, clock: Clock): Promise<Entrant<Proof>> {
  const { runtime, proof } = await open(name, options)
  try {
    const inputs = inputsFor(options, runtime)
    const first = await timed(runtime, inputs, clock)
    return { name, runtime, proof, first, warm: [await timed(runtime, inputs, clock)] }
  } catch (thrown) {
    runtime.dispose()
    throw thrown
  }
}

/** Times the candidates in turns, so that a machine that is busy for a while is so for all of them; other work of this thread goes on between the runs. */
async function race(
  entrants: readonly Entrant<unknown>[],
  options: ChooseOptions<never> | ChooseOptions<unknown>,
  clock: Clock,
): Promise<void> {
  const best = Math.min(...entrants.map(({ warm }) => median(warm)))
  const hopeful = entrants.filter(({ warm }) => median(warm) <= HOPELESS * best)
  if (hopeful.length < 2) return
  const spent = new Map(hopeful.map((entrant) => [entrant, 0]))
  for (let round = 0; round < MOST_RUNS; round++) {
    for (const entrant of hopeful) {
      const before = spent.get(entrant) ?? 0
      if (round >= LEAST_RUNS && before > BUDGET_MS) continue
      await yieldToEventLoop()
      const took = await timed(entrant.runtime, inputsFor(options, entrant.runtime), clock)
      entrant.warm.push(took)
      spent.set(entrant, before + took)
    }
  }
}

function fastest<Proof>(entrants: readonly Entrant<Proof>[], incumbent: CandidateName | undefined): Entrant<Proof> | undefined {
  const best = entrants.reduce<Entrant<Proof> | undefined>(
    (a, b) => (a === undefined || median(b.warm) < median(a.warm) ? b : a),
    undefined,
  )
  const present = entrants.find(({ name }) => name === incumbent)
  return best && present && median(best.warm) > FASTER * median(present.warm) ? present : best
}

function nothingRuns(skipped: BackendChoice['skipped'], failures: readonly AppError[]): AppError {
  const told = failures.filter(({ code }) => code !== 'no_backend')
  // a plan does not take every model: what the others say of it tells more
  const first = told.find(({ code }) => code !== 'unsupported_op') ?? told[0]
  const ofTheModel = first !== undefined && told.every(({ code }) => OF_THE_MODEL.has(code))
  const reasons = Object.entries(skipped).map(([name, why]) => `${name}: ${why}`)
  const all = `nothing can run this model here: ${reasons.join('; ')}`
  if (ofTheModel) return new AppError(first.code, all, { issues: first.issues, cause: first })
  return new AppError('no_backend', all)
}
