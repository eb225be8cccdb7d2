import '@tensorflow/tfjs-backend-cpu'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { instantiateKernels, loadKernels } from '../../../shared/compute/kernels/load-kernels.ts'
import type { TrainingThreads } from '../../../shared/compute/training-threads.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { compare } from '../../measure.ts'
import { registerCompositeKernels } from './composite-kernels.ts'
import { mcMahan, type Network, recurrent, separables, twoLayers } from './networks.ts'
import { planSide, tfjsSide } from './sides.ts'

export type StepTimes = {
  readonly network: string
  readonly batch: number
  /** Best and median of each side in milliseconds; undefined where it did not run. */
  readonly plan: Best | undefined
  /** The plan on several threads. */
  readonly threaded: Best | undefined
  readonly threads: number
  readonly wasm: Best | undefined
  readonly cpu: Best | undefined
  /** Share of the calibration loop's speed that the whole step reaches, best against best; NaN where the network's operations were not counted. */
  readonly fractionOfPeak: number
  /** The same of the operations that the plan takes. */
  readonly doneFractionOfPeak: number
  /** Losses of the first step by plan and tfjs: the sides do the same work. */
  readonly lossDifference: number
  readonly why?: string
}
export type Best = { readonly best: number; readonly median: number }

type Options = {
  readonly wasmPath: string
  readonly threads: TrainingThreads
  readonly rounds: number
  readonly cpu: boolean
  readonly batch: number
  readonly network: keyof typeof NETWORKS
}

const NETWORKS = { mcMahan, twoLayers, separables, recurrent } as const satisfies Record<string, Network>

let started: Promise<void> | undefined
async function startTfjs(wasmPath: string): Promise<void> {
  tf.enableProdMode()
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  setWasmPaths({
    'tfjs-backend-wasm.wasm': wasmPath,
    'tfjs-backend-wasm-simd.wasm': wasmPath,
    'tfjs-backend-wasm-threaded-simd.wasm': wasmPath,
  })
  if (!(await tf.setBackend('wasm'))) throw new Error('the WASM backend did not start')
  registerCompositeKernels()
}

const bestOf = (samples: readonly number[]): Best => {
  const sorted = [...samples].sort((a, b) => a - b)
  return { best: sorted[0] ?? Number.NaN, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN }
}

/** A calibration loop of about the length of a step: the fastest tile on data in the first-level cache. */
async function calibration(milliseconds: number): Promise<{ run: () => void; flops: number }> {
  const inner = 256
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 })
  const kernels = instantiateKernels(unwrap(await loadKernels()), memory)
  const rows = kernels.calibrate(inner, 1000, 1024)
  const start = performance.now()
  kernels.calibrate(inner, 1000, 1024)
  const repeats = Math.max(100, Math.round((1000 * milliseconds) / (performance.now() - start)))
  return { run: () => void kernels.calibrate(inner, repeats, 1024), flops: 16 * rows * inner * repeats }
}

/** Times a step of one network at one batch size on every side, in turns. Runs in Node and in a page. */
export async function measureSteps({ wasmPath, threads, rounds, cpu, batch, network: name }: Options): Promise<StepTimes> {
  await (started ??= startTfjs(wasmPath))
  await tf.setBackend('wasm')
  const network = NETWORKS[name]
  const stock = await tfjsSide(network, batch)
  const made = await planSide(network, batch, stock.model, stock.weights)
  const threaded = made.ok ? unwrap(await planSide(network, batch, stock.model, stock.weights, threads)) : undefined
  // what the WASM backend has no kernels for is only timed on the CPU backend
  const wasmLoss = await stock.step().catch(() => undefined)
  let why = made.ok ? undefined : made.error.message
  let planLoss = Number.NaN
  const sides: Record<string, () => unknown> = {}
  let flops = Number.NaN
  if (made.ok) {
    planLoss = made.value.step()
    const start = performance.now()
    made.value.step()
    const loop = await calibration(performance.now() - start)
    flops = loop.flops
    sides['plan'] = made.value.step
    sides['peak'] = loop.run
    if (threaded) sides['threaded'] = threaded.step
  }
  if (wasmLoss !== undefined) sides['wasm'] = stock.step
  else why ??= 'the WASM backend of tfjs has no kernel for this network'
  const times = await compare({ clock: systemClock, rounds, warmup: 2, sides })
  threaded?.close()
  const plan = times['plan'] && bestOf(times['plan'].samples)
  const peak = times['peak'] && bestOf(times['peak'].samples)
  const ofPeak = (perExample: number): number => (plan && peak ? (perExample * batch) / plan.best / (flops / peak.best) : Number.NaN)
  let onCpu: Best | undefined
  let reference = wasmLoss
  if (cpu) {
    await tf.setBackend('cpu')
    const slow = await tfjsSide(network, batch, stock.weights)
    const start = performance.now()
    reference = await slow.step()
    onCpu = bestOf([performance.now() - start])
    await tf.setBackend('wasm')
  }
  return {
    network: name,
    batch,
    plan,
    threaded: times['threaded'] && bestOf(times['threaded'].samples),
    threads: threads.count,
    wasm: times['wasm'] && bestOf(times['wasm'].samples),
    cpu: onCpu,
    fractionOfPeak: ofPeak(network.flops),
    doneFractionOfPeak: ofPeak(network.doneFlops),
    lossDifference: Math.abs(planLoss - (reference ?? Number.NaN)),
    ...(why === undefined ? {} : { why }),
  }
}
