import { chooseRuntime } from '../../../shared/compute/choose-runtime.ts'
import { type BackendName, startBackend } from '../../../shared/compute/backends.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { compare, type Timing } from '../../measure.ts'
import { bare, type Bare } from './bare.ts'
import { benchModel, type ModelName } from './models.ts'

export type InferRequest = {
  readonly model: ModelName
  readonly root: string
  readonly rounds: number
  readonly backends: readonly BackendName[]
}
export type InferTimes = {
  readonly chosen: string
  readonly why: string
  /** tfjs by itself, on each backend that runs the model; then our runtime on the same backend as the best of them, and our choice. */
  readonly bare: Partial<Record<BackendName, Timing>>
  readonly same: { readonly ours: Timing; readonly bare: Timing; readonly backend: BackendName }
  readonly choice: { readonly ours: Timing; readonly best: Timing }
  readonly first: number
  readonly warm: number
}

const clock = systemClock
/** Slower than this on its second run, and a side is not timed against the others. */
const HOPELESS_MS = 5000

async function measure({ model: name, root, rounds, backends }: InferRequest): Promise<InferTimes> {
  const options = { wasmPath: `${root}node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm`, allowSoftware: true }
  const { source, input } = await benchModel(name, root)
  const sides: Partial<Record<BackendName, Bare>> = {}
  const slow: Partial<Record<BackendName, Timing>> = {}
  for (const backend of backends) {
    const started = await startBackend(backend, options)
    if (!started.ok) continue
    const side = await bare(source, input, backend)
    await side.predict()
    const start = clock.monotonic()
    await side.predict()
    const took = clock.monotonic() - start
    if (took < HOPELESS_MS) sides[backend] = side
    else {
      slow[backend] = { median: took, low: took, high: took, samples: [took] }
      side.dispose()
    }
  }
  const times = await compare({
    clock,
    rounds: Math.ceil(rounds / 4),
    warmup: 3,
    sides: Object.fromEntries(Object.entries(sides).map(([backend, side]) => [backend, side.predict])),
  })
  const [backend] = Object.entries(times).sort(([, a], [, b]) => a.median - b.median)[0] as [BackendName, Timing]
  const best = sides[backend] as Bare
  const runtime = await loadRuntime(source, backend, options)
  const same = await compare({ clock, rounds, warmup: 10, sides: { ours: () => runtime.predict([input]), bare: best.predict } })
  runtime.dispose()

  // as a device has it: a software GPU counts as none
  const candidates = ['wasm', 'plan', 'cpu'] as const
  const { choice, runtime: measured } = await chooseRuntime({ ...options, candidates, model: source, inputs: [input] })
  measured.dispose()
  const { runtime: ours } = await chooseRuntime({
    ...options,
    candidates,
    model: source,
    inputs: [input],
    remembered: choice,
    prove: warmedUp(input),
  })
  const start = clock.monotonic()
  await ours.predict([input])
  const first = clock.monotonic() - start
  const chosen = await compare({ clock, rounds, warmup: 10, sides: { ours: () => ours.predict([input]), best: best.predict } })
  ours.dispose()
  for (const side of Object.values(sides)) side.dispose()
  return {
    chosen: choice.candidate,
    why: choice.why,
    bare: { ...times, ...slow },
    same: { ...same, backend },
    choice: chosen,
    first,
    warm: chosen.ours.median,
  }
}

/** What a device does before a version answers: its self-test. */
const warmedUp =
  (input: Parameters<Awaited<ReturnType<typeof loadRuntime>>['predict']>[0][number]) =>
  async (runtime: Awaited<ReturnType<typeof loadRuntime>>) => {
    await runtime.predict([input])
    return { ok: true, value: undefined } as const
  }

self.addEventListener('message', ({ data }: MessageEvent<InferRequest>) => {
  measure(data).then(
    (times) => postMessage({ times }),
    (thrown: unknown) => postMessage({ failed: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
  )
})
