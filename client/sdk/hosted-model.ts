import type { BackendChoice } from '../../shared/compute/backend-choice.ts'
import { MEASURE_AGAIN_MS } from '../../shared/compute/latency-watch.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { WorkerConnection } from '../../shared/worker/connect-worker.ts'
import type { InferenceApi, LoadedModel, LoadModel, ModelInput } from '../../shared/worker/inference-api.ts'
import { standIn, WITHOUT_GPU } from './stand-in.ts'
import type { LoadRequest, RuntimeHandle } from './runtime-host.ts'

type How = Pick<LoadModel, 'candidates' | 'remembered' | 'demoted' | 'incumbent'>
type Hosted = LoadedModel & { readonly generation: number }

/** Loads the version into the worker, from its stored copy. */
export type HostedLoad = (how: How, signal?: AbortSignal) => Promise<Hosted>

type HostedOptions = {
  readonly worker: WorkerConnection<InferenceApi>
  readonly load: HostedLoad
  readonly request: LoadRequest
  readonly clock: Clock
  readonly predictTimeoutMs: number
  readonly signal?: AbortSignal
}

/** Pauses before another try to get the GPU back: right after a reset the browser may have no adapter yet. */
const RETRY_MS = [0, 1000, 10_000, 60_000]

/**
 * A version in the inference worker, with everything that may happen to it there. The worker dies: it is loaded again before the next answer. The GPU is lost: WASM
 * answers, and the GPU takes over again once a fresh device has proven itself, unless it was lost too often. Its times drift: what runs it is measured again.
 */
export async function hostedModel({ worker, load, request, clock, predictTimeoutMs, signal }: HostedOptions): Promise<RuntimeHandle> {
  const { watcher } = request
  const life = new AbortController()
  let demoted = request.demoted
  let measured = clock.now()
  let current = await load({ ...known(), ...barred() }, signal)
  let moving: Promise<void> | undefined
  let measuring: Promise<void> | undefined
  watch(current)

  function known(): Pick<How, 'remembered'> {
    return request.remembered === undefined ? {} : { remembered: request.remembered }
  }
  function barred(): Pick<How, 'demoted'> {
    return demoted === undefined ? {} : { demoted }
  }
  const ours = (model: Hosted): boolean => model.generation === worker.generation

  function moveTo(next: Hosted): void {
    const before = current
    current = next
    if (ours(before)) void worker.call('unload', [before.handle]).catch(() => undefined)
    if (life.signal.aborted) void worker.call('unload', [next.handle]).catch(() => undefined)
    else watch(next)
  }

  /** One move at a time; whoever asks meanwhile waits for the one under way. */
  function move(work: () => Promise<void>): Promise<void> {
    moving ??= work().finally(() => {
      moving = undefined
    })
    return moving
  }

  const reload = () => move(async () => moveTo(await load({ remembered: asChosen(current), ...barred() })))

  /** Hears of the loss at once, not with the next question. */
  function watch(model: Hosted): void {
    if (model.backend !== 'webgpu') return
    worker.call('lost', [model.handle], { timeoutMs: Number.POSITIVE_INFINITY }).then(
      (loss) => (loss === null ? undefined : replaceLost(model, loss.why)),
      // the worker's death is dealt with by the next question
      () => undefined,
    )
  }

  function replaceLost(lost: Hosted, why: string): Promise<void> {
    if (current !== lost) return moving ?? Promise.resolve()
    return move(async () => {
      demoted = (await watcher?.lost({ fingerprint: lost.fingerprint, why })) ?? demoted
      const instead = standIn(lost.choice, demoted?.why ?? why)
      moveTo(
        await load({
          candidates: WITHOUT_GPU,
          ...(instead === undefined ? {} : { remembered: { choice: instead, fingerprint: lost.fingerprint } }),
        }),
      )
      watcher?.changed(current.choice, current.fingerprint)
      if (demoted === undefined) void regain(lost, current)
    })
  }

  /** Tries to move back onto the GPU, while the stand-in answers. */
  async function regain(lost: Hosted, instead: Hosted): Promise<void> {
    for (const pause of RETRY_MS) {
      try {
        if (pause > 0) await clock.sleep(pause, life.signal)
        if (current !== instead || demoted !== undefined) return
        const next = await load({ candidates: ['webgpu'], remembered: asChosen(lost) }, life.signal)
        if (current !== instead) return void worker.call('unload', [next.handle]).catch(() => undefined)
        moveTo(next)
        watcher?.changed(next.choice, next.fingerprint)
        return
      } catch (thrown) {
        const { code } = toAppError(thrown)
        if (life.signal.aborted || code === 'worker_died') return
      }
    }
  }

  function measureAgain(): void {
    if (measuring !== undefined || moving !== undefined || watcher?.quiet() === false) return
    if (clock.now() - measured < MEASURE_AGAIN_MS) return
    measured = clock.now()
    const before = current
    measuring = load({ incumbent: before.choice.candidate, ...barred() }, life.signal)
      .then((next) => {
        if (current !== before) return void worker.call('unload', [next.handle]).catch(() => undefined)
        moveTo(next)
        watcher?.changed(next.choice, next.fingerprint)
      })
      // it goes on as before
      .catch(() => undefined)
      .finally(() => {
        measuring = undefined
      })
  }

  async function ask(input: ModelInput, abort?: AbortSignal) {
    if (moving !== undefined) await moving
    if (!ours(current)) await reload()
    const answer = await worker.call('predict', [current.handle, input], {
      timeoutMs: predictTimeoutMs,
      ...(abort ? { signal: abort } : {}),
    })
    if (answer.drifted === true) measureAgain()
    return answer
  }

  return {
    get backend() {
      return current.backend
    },
    get choice() {
      return current.choice
    },
    get fingerprint() {
      return current.fingerprint
    },
    async predict(input, abort) {
      const asked = current
      try {
        return await ask(input, abort)
      } catch (thrown) {
        // unloaded between the question's departure and its arrival, by a move
        const moved = thrown instanceof AppError && thrown.code === 'conflict' && current !== asked
        if (!moved && !(thrown instanceof AppError && thrown.code === 'device_lost')) throw thrown
        if (!moved) await replaceLost(asked === current ? asked : current, thrown.detail)
        return ask(input, abort)
      }
    },
    async dispose() {
      life.abort()
      if (ours(current)) await worker.call('unload', [current.handle]).catch(() => undefined)
    },
  }
}

/** What was chosen, to be taken again without measuring. */
const asChosen = ({ choice, fingerprint }: Hosted): { choice: BackendChoice; fingerprint: string } => ({ choice, fingerprint })
