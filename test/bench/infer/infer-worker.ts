import type { BackendOptions } from '../../../shared/compute/backends.ts'
import { chooseRuntime } from '../../../shared/compute/choose-runtime.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { compare, type Timing } from '../../measure.ts'
import { type Bare, bareTfjs } from './bare.ts'
import { bareOnnx } from './bare-onnx.ts'
import { type BenchModel, benchModel } from './models.ts'
import { LOADS, type ModelName, type SideName } from './names.ts'

export type InferRequest = {
  readonly model: ModelName
  readonly root: string
  readonly rounds: number
  readonly sides: readonly SideName[]
}
export type InferTimes = {
  readonly chosen: string
  readonly why: string
  /** Each runtime by itself, in turns; those that are slower by far have few samples. */
  readonly bare: Partial<Record<SideName, Timing>>
  /** Why each of the others does not run the model here. */
  readonly without: Partial<Record<SideName, string>>
  /** Our runtime over the engine and backend that ours shares with one of them: what we add. */
  readonly same: { readonly ours: Timing; readonly bare: Timing; readonly side: SideName }
  /** Our choice beside the best of them. */
  readonly choice: { readonly ours: Timing; readonly best: Timing; readonly side: SideName }
  readonly first: number
  readonly warm: number
}

const clock = systemClock
/** Slower than this on its second run, and a side is not timed against the others. */
const HOPELESS_MS = 4000
/** What the first run may take beyond that, as a GPU compiles its programs in it. */
const COMPILING = 4
/** A side that is slower than the best one by this factor is timed in a few rounds only. */
const SLOW = 6
const SLOW_ROUNDS = 3
/** What every side's answers may differ by, so that all of them compute the same model. */
const TOLERANCE = 1e-3

type Open = { readonly bare: Bare; readonly second: number }

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = clock.monotonic()
  await work()
  return clock.monotonic() - start
}

function openSide(side: SideName, { source, inputs, onnx }: BenchModel, options: BackendOptions): Promise<Bare> {
  const [engine, backend] = side.split(' ') as ['tfjs' | 'onnxruntime', 'wasm' | 'webgpu']
  if (engine === 'onnxruntime') {
    if (onnx === undefined) throw new Error('there is no such model for onnxruntime')
    return bareOnnx(onnx.file, onnx.inputs, backend, options)
  }
  if (source.format === 'onnx') throw new Error('tfjs reads no ONNX')
  return bareTfjs(source, inputs, backend, options)
}

function difference(a: readonly ArrayLike<unknown>[], b: readonly ArrayLike<unknown>[]): number {
  let most = 0
  // outputs are compared as a whole set: graphs give theirs in another order
  const sums = [a, b].map((outputs) =>
    outputs
      .map((values) => Array.from(values as ArrayLike<number>, Number))
      .sort((x, y) => x.length - y.length || (x[0] ?? 0) - (y[0] ?? 0)),
  )
  for (const [i, values] of must(sums[0], 'answers').entries())
    for (const [j, value] of values.entries()) most = Math.max(most, Math.abs(value - (sums[1]?.[i]?.[j] ?? Number.NaN)))
  return most
}

async function measure({ model: name, root, rounds, sides }: InferRequest): Promise<InferTimes> {
  const from = (path: string): string => `${root}node_modules/${path}`
  const options: BackendOptions = {
    wasmPath: from('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'),
    onnx: {
      wasm: from('onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'),
      webgpu: from('onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.wasm'),
    },
  }
  const model = await benchModel(name, root)
  const open: Partial<Record<SideName, Open>> = {}
  const bare: InferTimes['bare'] = {}
  const without: InferTimes['without'] = {}
  let reference: ArrayLike<unknown>[] | undefined
  for (const side of sides) {
    try {
      const opened = await openSide(side, model, { ...options, allowSoftware: side.endsWith('webgpu') })
      let answer: ArrayLike<unknown>[] = []
      const first = await timed(async () => {
        answer = await opened.predict()
      })
      const apart = difference(answer, (reference ??= answer))
      if (!(apart <= TOLERANCE)) throw new Error(`its answers are not those of the others: they differ by ${apart}`)
      const second = first > COMPILING * HOPELESS_MS ? first : await timed(opened.predict)
      if (second <= HOPELESS_MS) open[side] = { bare: opened, second }
      else {
        bare[side] = { median: second, low: second, high: second, samples: [second] }
        opened.dispose()
      }
    } catch (thrown) {
      without[side] = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)
    }
  }
  const best = Math.min(...Object.values(open).map(({ second }) => second))
  const race = async (slow: boolean, count: number): Promise<void> => {
    const entrants = Object.entries(open).filter(([, { second }]) => second > SLOW * best === slow)
    const turns = Object.fromEntries(entrants.map(([side, one]) => [side, one.bare.predict]))
    Object.assign(bare, await compare({ clock, rounds: count, warmup: slow ? 0 : 3, sides: turns }))
  }
  await race(true, SLOW_ROUNDS)
  await race(false, Math.ceil(rounds / 2))
  const side = fastest(bare, Object.keys(open) as SideName[])

  // what we add is seen over an engine and backend that both have
  const [engine, backend] = must(
    sides.find((one) => open[one] && (one === 'tfjs wasm' || model.source.format === 'onnx')),
    'a side of ours',
  ).split(' ')
  const shared = `${engine} ${backend}` as SideName
  const runtime = await loadRuntime(model.source, 'wasm', options)
  const same = await against(runtime, must(open[shared], shared).bare, model.inputs, rounds)
  runtime.dispose()

  // as a device has it: a software GPU, which the sides above have started, counts as none
  const choosing = { ...options, candidates: ['wasm', 'plan', 'cpu'] as const, model: model.source, inputs: model.inputs }
  const { choice, runtime: measured } = await chooseRuntime(choosing)
  measured.dispose()
  const again = () => chooseRuntime({ ...choosing, remembered: choice, prove: warmedUp(model.inputs) })
  const firsts: number[] = []
  for (let load = 0; load < LOADS; load++) {
    const { runtime } = await again()
    firsts.push(await timed(() => runtime.predict(model.inputs)))
    runtime.dispose()
  }
  const { runtime: ours } = await again()
  const chosen = await against(ours, must(open[side], side).bare, model.inputs, rounds)
  ours.dispose()
  for (const one of Object.values(open)) one.bare.dispose()
  return {
    chosen: choice.candidate,
    why: choice.why,
    bare,
    without,
    same: { ...same, side: shared },
    choice: { ours: chosen.ours, best: chosen.bare, side },
    first: must(firsts.sort((a, b) => a - b)[LOADS >> 1], 'a first answer'),
    warm: chosen.ours.median,
  }
}

const against = (runtime: Runtime, bare: Bare, inputs: readonly ModelTensor[], rounds: number) =>
  compare({ clock, rounds, warmup: 3, sides: { ours: () => runtime.predict(inputs), bare: bare.predict } })

const fastest = (times: InferTimes['bare'], of: readonly SideName[]): SideName =>
  must([...of].sort((a, b) => (times[a]?.median ?? 0) - (times[b]?.median ?? 0))[0], 'a side that runs')

/** What a device does before a version answers: its self-test. */
const warmedUp = (inputs: readonly ModelTensor[]) => async (runtime: Runtime) => {
  await runtime.predict(inputs)
  return { ok: true, value: undefined } as const
}

self.addEventListener('message', ({ data }: MessageEvent<InferRequest>) => {
  measure(data).then(
    (times) => postMessage({ times }),
    (thrown: unknown) => postMessage({ failed: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
  )
})
