// Answering in a worker of Chromium: our runtime beside tfjs by itself on the same backend, our choice beside the best backend, and the first answer beside a warm one.
import { join } from 'node:path'
import { chromium } from 'playwright'
import { createServer } from 'vite'
import { must } from '../../shared/core/assert.ts'
import { CHROMIUM_FLAGS, findChromium } from '../browser.ts'
import type { Bench, Figures } from '../measure.ts'
import type { InferRequest, InferTimes } from './infer/infer-worker.ts'
import { MODELS, type ModelName } from './infer/models.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ROUNDS: Record<ModelName, number> = { digits: 600, 'basic-pitch': 20, 'mobile-net': 20 }
const ALL = ['wasm', 'webgpu', 'cpu'] as const

/** `npm run bench -- infer [model …] [all]`: `all` times larger models on plain JavaScript and on a software GPU too, which takes minutes. */
export const bench: Bench = async ({ words, say, table }) => {
  const wanted = MODELS.filter((name) => words.every((word) => word === 'all') || words.includes(name))
  const figures: Record<string, Figures> = {}
  await withPage(async (measure) => {
    for (const model of wanted) {
      const backends = model === 'digits' || words.includes('all') ? ALL : (['wasm'] as const)
      const times = await measure({ model, rounds: ROUNDS[model], backends })
      say(`${model}: ${times.why}`)
      table([
        ...Object.entries(times.bare).map(([backend, { median }]) => ({ model, side: `tfjs ${backend}`, 'median ms': round(median) })),
        { model, side: `ours, on ${times.same.backend}`, 'median ms': round(times.same.ours.median) },
        { model, side: `ours, as chosen: ${times.chosen}`, 'median ms': round(times.choice.ours.median) },
        { model, side: 'first answer after loading', 'median ms': round(times.first) },
      ])
      figures[model] = figuresOf(times)
    }
  })
  const all = Object.values(figures) as Record<string, number>[]
  const most = (name: string): number => Math.max(...all.map((one) => one[name] ?? Number.NaN))
  return {
    overheadMs: most('overheadMs'),
    overheadRatio: most('overheadRatio'),
    ratioVsBest: most('ratioVsBest'),
    firstOverWarm: most('firstOverWarm'),
    models: figures,
  }
}

const figuresOf = ({ same, choice, first, warm, chosen }: InferTimes): Figures => ({
  chosen,
  overheadMs: round(same.ours.median - same.bare.median),
  overheadRatio: round(same.ours.median / same.bare.median),
  ratioVsBest: round(choice.ours.median / choice.best.median),
  firstOverWarm: round(first / warm),
})

const round = (value: number): number => Number(value.toPrecision(3))

type Measure = (request: Omit<InferRequest, 'root'>) => Promise<InferTimes>

/** A page of a development server in Chromium; each measurement has a worker of its own. */
async function withPage(work: (measure: Measure) => Promise<void>): Promise<void> {
  const packages = ['core', 'layers', 'converter', 'backend-cpu', 'backend-wasm', 'backend-webgpu'].map(
    (name) => `@tensorflow/tfjs-${name}`,
  )
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    // isolated: elsewhere the clock of a page moves in steps of a tenth of a millisecond
    server: {
      port: 0,
      host: '127.0.0.1',
      headers: { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' },
    },
    optimizeDeps: { include: [...packages, 'zod/mini'], noDiscovery: true },
    cacheDir: join(ROOT, 'node_modules', '.vite-bench-infer'),
  })
  await server.listen()
  const browser = await chromium.launch({ executablePath: must(findChromium(), 'a Chromium'), args: [...CHROMIUM_FLAGS] })
  try {
    const page = await browser.newPage()
    const root = must(server.resolvedUrls?.local[0], 'an address')
    await page.goto(`${root}package.json`)
    await work(async (request) => {
      const { times, failed } = await page.evaluate(
        (asked) =>
          new Promise<{ times?: InferTimes; failed?: string }>((resolve) => {
            const worker = new Worker('/test/bench/infer/infer-worker.ts', { type: 'module' })
            worker.addEventListener('error', ({ message }) => resolve({ failed: message || 'the worker did not start' }))
            worker.addEventListener('message', ({ data }) => {
              worker.terminate()
              resolve(data as { times: InferTimes })
            })
            worker.postMessage(asked)
          }),
        { ...request, root },
      )
      if (times === undefined) throw new Error(`${request.model}: ${failed}`)
      return times
    })
  } finally {
    await browser.close()
    await server.close()
  }
}
