// Answering in a worker of Chromium: our runtime beside tfjs by itself on the same backend, our choice beside the best backend, and the first answer beside a warm one.
import { join } from 'node:path'
import { chromium } from 'playwright'
import { createServer } from 'vite'
import { ISOLATION_HEADERS } from '../../server/http/security-headers.ts'
import { must } from '../../shared/core/assert.ts'
import { CHROMIUM_FLAGS, findChromium } from '../browser.ts'
import type { Bench, Figures, Timing } from '../measure.ts'
import type { InferRequest, InferTimes } from './infer/infer-worker.ts'
import { LOADS, MODELS, type ModelName, SIDES } from './infer/names.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ROUNDS: Record<ModelName, number> = { digits: 600, 'basic-pitch': 24, 'mobile-net': 60, 'silero-v5': 600, 'silero-v6': 600 }

/** `npm run bench -- infer [model …]`: without a model, all of them. Sides that are slower by far (a software GPU, plain JavaScript) have few samples. */
export const bench: Bench = async ({ words, say, table }) => {
  const wanted = MODELS.filter((name) => words.length === 0 || words.includes(name))
  const figures: Record<string, Figures> = {}
  await withPage(async (measure) => {
    for (const model of wanted) {
      const times = await measure({ model, rounds: ROUNDS[model], sides: SIDES })
      const { bare, same, choice, chosen } = times
      say(`${model}: ${times.why}`)
      for (const [side, why] of Object.entries(times.without)) say(`${model}: without ${side}: ${why}`)
      table([
        ...Object.entries(bare).map(([side, { median, samples }]) => ({
          model,
          side,
          'median ms': round(median),
          samples: samples.length,
        })),
        { model, side: `ours, as ${same.side}`, 'median ms': round(same.ours.median), samples: same.ours.samples.length },
        { model, side: `${same.side} in turns with it`, 'median ms': round(same.bare.median), samples: same.bare.samples.length },
        { model, side: `ours, as chosen: ${chosen}`, 'median ms': round(choice.ours.median), samples: choice.ours.samples.length },
        { model, side: `${choice.side} in turns with it`, 'median ms': round(choice.best.median), samples: choice.best.samples.length },
        { model, side: 'first answer after loading', 'median ms': round(times.first), samples: LOADS },
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

/**
 * Differences within the rounds, of which the median counts: a machine that is busy for a while then slows both of a pair. `interval` holds the true
 * median 95 times of 100, whatever the distribution: the order statistics 0.98 √n away from the middle.
 */
function added(ours: Timing, other: Timing): { ms: number; ratio: number; interval: [number, number] } {
  const apart = ours.samples.map((ms, i) => ms - must(other.samples[i], 'a pair')).sort((a, b) => a - b)
  const ms = must(apart[apart.length >> 1], 'a round')
  const off = Math.ceil(0.98 * Math.sqrt(apart.length))
  const at = (rank: number): number => must(apart[Math.min(apart.length - 1, Math.max(0, rank))], 'a round')
  return { ms, ratio: 1 + ms / other.median, interval: [at((apart.length >> 1) - off), at((apart.length >> 1) + off)] }
}

function figuresOf({ same, choice, first, warm, chosen }: InferTimes): Figures {
  const over = added(same.ours, same.bare)
  return {
    chosen,
    best: choice.side,
    overheadMs: round(over.ms),
    overheadMsInterval: over.interval.map(round),
    overheadRatio: round(over.ratio),
    ratioVsBest: round(added(choice.ours, choice.best).ratio),
    firstOverWarm: round(first / warm),
  }
}

const round = (value: number): number => Number(value.toPrecision(3))

type Measure = (request: Omit<InferRequest, 'root'>) => Promise<InferTimes>

/** A page of a development server in Chromium; each measurement has a worker of its own. */
async function withPage(work: (measure: Measure) => Promise<void>): Promise<void> {
  const packages = ['core', 'layers', 'converter', 'backend-cpu', 'backend-wasm', 'backend-webgpu', 'backend-webgl'].map(
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
      headers: { ...ISOLATION_HEADERS },
    },
    optimizeDeps: { include: [...packages, 'onnxruntime-web/wasm', 'onnxruntime-web/jspi', 'zod/mini'], noDiscovery: true },
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
