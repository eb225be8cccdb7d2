// A training step of compiled plans beside tfjs (CPU, and WASM with its missing kernel composed), in Node and in Chromium: McMahan's CNN, 2NN, a separable CNN, an LSTM.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as tf from '@tensorflow/tfjs-core'
import { chromium } from 'playwright'
import { createServer } from 'vite'
import { ISOLATION_HEADERS } from '../../server/http/security-headers.ts'
import { nodeThreads } from '../../server/training/node-threads.ts'
import { instantiateKernels } from '../../shared/compute/kernels/load-kernels.ts'
import { WASM as relaxed } from '../../shared/compute/kernels/relaxed-module.ts'
import { WASM as simd } from '../../shared/compute/kernels/simd-module.ts'
import { fromBase64 } from '../../shared/core/bytes.ts'
import { trainModel } from '../../shared/compute/train.ts'
import { must } from '../../shared/core/assert.ts'
import { CHROMIUM_FLAGS, findChromium } from '../browser.ts'
import type { Bench } from '../measure.ts'
import { measureSteps, type StepTimes } from './train-step/measure-steps.ts'
import { mcMahan } from './train-step/networks.ts'
import { batchOf } from './train-step/sides.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const WASM = 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'
type Case = Omit<Parameters<typeof measureSteps>[0], 'wasmPath' | 'threads'>
const THREADS = 2
const CASES: readonly Case[] = [
  { network: 'mcMahan', batch: 32, rounds: 25, cpu: true },
  { network: 'mcMahan', batch: 10, rounds: 25, cpu: true },
  { network: 'twoLayers', batch: 32, rounds: 60, cpu: false },
  { network: 'twoLayers', batch: 10, rounds: 60, cpu: false },
  { network: 'separables', batch: 32, rounds: 25, cpu: true },
  { network: 'recurrent', batch: 32, rounds: 25, cpu: true },
]

/** `npm run bench -- train-step [quick]`: quick leaves out the CPU backend, whose steps of the CNN take a minute, and most of the rounds. */
export const bench: Bench = async ({ words, say, table }) => {
  const quick = words.includes('quick')
  const wasmPath = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm')
  const node: StepTimes[] = []
  const cases = quick ? CASES.map((one) => ({ ...one, rounds: Math.ceil(one.rounds / 5), cpu: false })) : CASES
  for (const one of cases) node.push(await measureSteps({ ...one, wasmPath, threads: { ...nodeThreads(THREADS), always: true } }))
  table(node.map((times) => rowOf('node', times)))
  const page = await inChromium(cases)
  table(page.map((times) => rowOf('chromium', times)))
  for (const { network, why } of [...node, ...page]) if (why) say(`${network}: ${why}`)
  const leakedTensors = await leak(quick ? 20 : 1000)
  const of = (list: readonly StepTimes[], name: string, batch = 32) => list.find((times) => times.network === name && times.batch === batch)
  const cnn = [...node, ...page].filter(({ network }) => network === 'mcMahan')
  const least = (values: readonly number[]): number => round(Math.min(...values.filter((value) => !Number.isNaN(value))))
  return {
    ratioVsTfjsCpu: least(cnn.map((times) => ratio(times.cpu, fastest(times)))),
    ratioVsCompositeWasm: least(cnn.map((times) => ratio(times.wasm, fastest(times)))),
    threads: Math.max(...cnn.map(threadsOfFastest)),
    // of the step's operations as its layers define them, and of those that are left where convolutions go by tiles
    fractionOfMatmulPeak: least(cnn.map(({ fractionOfPeak }) => fractionOfPeak)),
    doneFractionOfMatmulPeak: least(cnn.map(({ doneFractionOfPeak }) => doneFractionOfPeak)),
    leakedTensors,
    mlpRatioVsTfjsWasm: least(
      [...node, ...page].filter(({ network }) => network === 'twoLayers').map((times) => ratio(times.wasm, fastest(times))),
    ),
    sepRatioVsTfjsCpu: round(ratio(of(node, 'separables')?.cpu, fastest(of(node, 'separables')))),
    lstmRatioVsTfjsWasm: round(ratio(of(node, 'recurrent')?.wasm, fastest(of(node, 'recurrent')))),
    kernelsReadyMs: await readyMs(),
    kernelsGzipBytes: [relaxed, simd].reduce((sum, text) => sum + gzipSync(fromBase64(text)).length, 0),
    stepMsBatch32: round(fastest(of(node, 'mcMahan'))?.best ?? Number.NaN),
    stepMsBatch10: round(fastest(of(node, 'mcMahan', 10))?.best ?? Number.NaN),
    oneThreadStepMsBatch32: round(of(node, 'mcMahan')?.plan?.best ?? Number.NaN),
    oneThreadStepMsBatch10: round(of(node, 'mcMahan', 10)?.plan?.best ?? Number.NaN),
    chromium: Object.fromEntries(
      page.map((times) => [
        `${times.network}${times.batch}`,
        {
          planMs: round(fastest(times)?.best ?? Number.NaN),
          threads: threadsOfFastest(times),
          oneThreadMs: round(times.plan?.best ?? Number.NaN),
          vsWasm: round(ratio(times.wasm, fastest(times))),
          vsCpu: round(ratio(times.cpu, fastest(times))),
          ofPeak: round(times.fractionOfPeak),
          doneOfPeak: round(times.doneFractionOfPeak),
        },
      ]),
    ),
  }
}

const round = (value: number): number => Number(value.toPrecision(3))
const ratio = (slow: { best: number } | undefined, fast: { best: number } | undefined): number =>
  slow && fast ? slow.best / fast.best : Number.NaN

/** The plan on as many threads as it is fastest on. */
const fastest = (times: StepTimes | undefined) =>
  times?.threaded && times.plan && times.threaded.best < times.plan.best ? times.threaded : times?.plan
const threadsOfFastest = (times: StepTimes): number => (times.threaded && fastest(times) === times.threaded ? times.threads : 1)

const rowOf = (
  where: string,
  { network, batch, plan, threaded, threads, wasm, cpu, fractionOfPeak, doneFractionOfPeak, lossDifference }: StepTimes,
) => ({
  where,
  network,
  batch,
  'plan best ms': round(plan?.best ?? Number.NaN),
  'plan median ms': round(plan?.median ?? Number.NaN),
  [`on ${threads} threads best ms`]: round(threaded?.best ?? Number.NaN),
  'median ms': round(threaded?.median ?? Number.NaN),
  'tfjs wasm best ms': round(wasm?.best ?? Number.NaN),
  'tfjs cpu ms': round(cpu?.best ?? Number.NaN),
  'of peak': round(fractionOfPeak),
  'done of peak': round(doneFractionOfPeak),
  'loss difference': lossDifference.toExponential(1),
})

/** From the module's bytes to kernels that can be called: the best of several, each compiled anew. */
async function readyMs(): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 9; i++) {
    const bytes = fromBase64(relaxed)
    const start = performance.now()
    const module = await WebAssembly.compile(bytes)
    const kernels = instantiateKernels({ build: 'relaxed', module }, new WebAssembly.Memory({ initial: 2, maximum: 65536 }))
    kernels.calibrate(1, 1, 1024)
    times.push(performance.now() - start)
  }
  return round(Math.min(...times))
}

/** Tensors left behind by this many steps of trainModel. */
async function leak(steps: number): Promise<number> {
  const { x, labels } = batchOf(mcMahan, 10)
  const before = tf.memory().numTensors
  await trainModel({
    topology: mcMahan.topology,
    examples: { data: x, shape: [10, 28, 28, 1] },
    labels,
    epochs: steps,
    batchSize: 10,
    optimizer: { kind: 'sgd' },
    learningRate: { kind: 'constant', rate: 0.001 },
    seed: 1,
    engineChoice: 'plan',
  })
  return tf.memory().numTensors - before
}

/** The same measurements in a page, from sources as a development server gives them. */
async function inChromium(cases: readonly Case[]): Promise<StepTimes[]> {
  const packages = ['core', 'layers', 'backend-cpu', 'backend-wasm'].map((name) => `@tensorflow/tfjs-${name}`)
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    // isolated: elsewhere threads share no memory, and the clock of a page moves in steps of a tenth of a millisecond
    server: {
      port: 0,
      host: '127.0.0.1',
      headers: { ...ISOLATION_HEADERS },
    },
    optimizeDeps: { include: packages, noDiscovery: true },
    cacheDir: join(ROOT, 'node_modules', '.vite-bench'),
  })
  await server.listen()
  const browser = await chromium.launch({ executablePath: must(findChromium(), 'a Chromium'), args: [...CHROMIUM_FLAGS] })
  try {
    const page = await browser.newPage()
    const address = must(server.resolvedUrls?.local[0], 'an address')
    await page.goto(`${address}package.json`)
    const found: StepTimes[] = []
    for (const one of cases)
      found.push(
        await page.evaluate(
          ({ options, script }) =>
            new Promise<StepTimes>((resolve, reject) => {
              const worker = new Worker(script, { type: 'module' })
              worker.onmessage = ({ data }) => {
                worker.terminate()
                if (data.times) resolve(data.times)
                else reject(new Error(data.error))
              }
              worker.onerror = (event) => reject(new Error(event.message))
              worker.postMessage(options)
            }),
          // the CPU backend is as slow here, and takes minutes: the small batch shows it
          {
            options: { ...one, cpu: one.cpu && one.batch === 10, threads: THREADS, wasmPath: `/${WASM}` },
            script: '/test/bench/train-step/measure-worker.ts',
          },
        ),
      )
    return found
  } finally {
    await browser.close()
    await server.close()
  }
}
