import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { gatherBatch } from '../../../shared/compute/examples.ts'
import { makeSelfTest } from '../../../shared/compute/self-test.ts'
import { must } from '../../../shared/core/assert.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import { encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { RunnableManifest } from '../../../shared/worker/inference-api.ts'
import { ensureClientBuilt } from '../../client-build.ts'
import { defineComponent } from '../component.ts'
import { openModel } from '../data/evaluate-model.ts'
import { preparation } from '../data/example-form.ts'
import { formatOf, readModel } from '../data/model-file.ts'
import { runnableManifest } from '../data/runnable-manifest.ts'
import { loadSplit } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import { type BrowserAnswer, checkInBrowser } from '../runtime-check/browser-check.ts'
import { findChromium } from '../runtime-check/chromium.ts'

const params = z.strictObject({
  /**
   * Whether the candidate must answer in a real browser's worker. `if-present`: where no browser is installed, or the one that is never gets to the page, that is recorded and does not refuse
   * the candidate; `required`: it does.
   */
  browser: z.enum(['required', 'if-present', 'off']).default('if-present'),
  /** Where it is; found by itself when null. */
  chromium: z.string().nullable().default(null),
  /** Backends that the candidate must run on in the browser; trees run on the CPU, whatever is named. */
  backends: z
    .array(z.enum(['webgpu', 'wasm', 'cpu']))
    .min(1)
    .default(['wasm']),
  budget: z
    .strictObject({
      /** Of one answer in Node, the 95th percentile, milliseconds. */
      answerMs: z.number().positive().optional(),
      /** Of the weights, bytes: what a device downloads first. */
      modelBytes: z.int().min(1).optional(),
      /** Of the tensors that it holds while it answers, bytes. */
      memoryBytes: z.int().min(1).optional(),
    })
    .default({}),
  /** Single answers that are timed. */
  answers: z.int().min(10).max(10_000).default(100),
  timeoutMs: z.int().min(1000).default(120_000),
})

type Outcome = { readonly target: string; readonly ok: boolean; readonly why: string; readonly figures: Record<string, number> }

/** Lets a candidate answer where it is to run: in Node, and in the worker of a headless browser; within its budget of time and memory. */
export const validateRuntime = defineComponent({
  name: 'validate-runtime',
  version: '2',
  module: import.meta.url,
  inputs: { model: 'model', examples: 'split', transforms: 'transforms' },
  outputs: { runtime: 'runtime-blessing' },
  params,
  // which browser is installed, and how fast this machine is, are no inputs
  cache: 'never',
  async run({ inputs, params: given, blobs, folder, clock, signal, log, progress }) {
    const { budget } = given
    const prepared = await inputs.transforms.json(preparation)
    const file = await readModel(inputs.model.path)
    const outcomes: Outcome[] = []
    const modelBytes = Object.values(file.tensors).reduce((sum, { data }) => sum + data.byteLength, 0)
    const over = (name: keyof typeof budget, value: number): string[] => {
      const most = budget[name]
      return most === undefined || value <= most ? [] : [`${name} is ${Number(value.toPrecision(4))}, the budget is ${most}`]
    }

    progress(0, 2, 'in Node')
    let manifest: RunnableManifest | undefined
    try {
      if (formatOf(file) !== 'trees') await startStepBackend()
      const examples = await loadSplit(inputs.examples.path, prepared, folder, { rows: 64 })
      const runtime = await openModel(file)
      try {
        const input = must(runtime.inputs[0], 'the model input')
        const rows = Math.min(8, examples.labels.length)
        const tensor = (from: number, count: number) => ({
          dtype: 'float32' as const,
          shape: [count, ...input.shape.slice(1).map(Number)],
          data: gatherBatch(
            examples.examples,
            Int32Array.from({ length: count }, (_, i) => from + i),
            examples.transform,
          ),
        })
        const selfTest = await makeSelfTest(runtime, [tensor(0, rows)])
        const times: number[] = []
        for (let i = 0; i < given.answers; i++) {
          const one = tensor(i % examples.labels.length, 1)
          const start = clock.monotonic()
          await runtime.predict([one])
          times.push(clock.monotonic() - start)
        }
        const sorted = times.sort((a, b) => a - b)
        const answerMs = must(sorted[Math.floor(0.95 * (sorted.length - 1))], 'a time')
        manifest = runnableManifest(file, prepared, runtime, selfTest)
        const memoryBytes = runtime.memory().bytes
        const wrong = [...over('answerMs', answerMs), ...over('modelBytes', modelBytes), ...over('memoryBytes', memoryBytes)]
        const figures = { answerMs, medianMs: must(sorted[Math.floor(sorted.length / 2)], 'a time'), modelBytes, memoryBytes }
        outcomes.push({ target: 'node', ok: wrong.length === 0, why: wrong.join('; ') || 'loads and answers within its budget', figures })
      } finally {
        runtime.dispose()
      }
    } catch (thrown) {
      const { code, detail } = toAppError(thrown)
      outcomes.push({ target: 'node', ok: false, why: `${code}: ${detail}`, figures: { modelBytes } })
    }

    progress(1, 2, 'in a browser')
    let browser: BrowserAnswer | null = null
    const absent = (why: string) => outcomes.push({ target: 'browser', ok: given.browser !== 'required', why, figures: {} })
    if (given.browser === 'off') absent('switched off')
    else if (manifest === undefined) absent('not tried, as it does not run in Node')
    else {
      const chromium = findChromium(given.chromium, process.env)
      if (chromium === undefined) absent('no browser was found on this machine: install Chromium, or name one (chromium, SHOAL_CHROMIUM)')
      else {
        let loaded = false
        try {
          const { folder: pages } = await ensureClientBuilt({ root: fileURLToPath(new URL('../../..', import.meta.url)) })
          browser = await checkInBrowser({
            chromium,
            pages,
            manifest,
            tensors: encodeSafetensors(file.tensors, {}),
            candidates: formatOf(file) === 'trees' ? ['cpu'] : given.backends,
            folder,
            timeoutMs: given.timeoutMs,
            clock,
            signal,
            onLoaded: () => {
              loaded = true
            },
          })
          for (const [backend, found] of Object.entries(browser.backends)) {
            const target = `browser (${backend})`
            if (!found.ok) outcomes.push({ target, ok: false, why: `${found.code}: ${found.detail}`, figures: {} })
            else {
              const wrong = over('memoryBytes', found.bytes)
              const { ok: _, answerMs, ...figures } = found
              outcomes.push({
                target,
                ok: wrong.length === 0,
                why: wrong.join('; ') || 'loads and reproduces the golden outputs',
                figures: { ...figures, ...(answerMs === null ? {} : { answerMs }) },
              })
            }
          }
        } catch (thrown) {
          if (signal.aborted) throw thrown
          const { code, detail } = toAppError(thrown)
          if (loaded) outcomes.push({ target: 'browser', ok: false, why: `${code}: ${detail}`, figures: {} })
          else absent(`not tried, as the browser did not get to the page: ${code}: ${detail}`)
        }
      }
    }
    for (const { target, ok, why } of outcomes) log[ok ? 'info' : 'warn'](`${target}: ${why}`)
    const reasons = outcomes.filter(({ ok }) => !ok).map(({ target, why }) => `${target}: ${why}`)
    const blessed = reasons.length === 0
    const inBrowser = browser !== null
    const outputs = {
      runtime: await blobs.json(
        { blessed, reasons, outcomes, userAgent: browser?.userAgent ?? null, budget },
        { properties: { blessed, inBrowser } },
      ),
    }
    if (blessed) return { outputs }
    return {
      outputs,
      refused: {
        code: 'not_blessed',
        detail: `the candidate does not run where it is to run: ${reasons.join('; ')}`,
        issues: reasons.map((what) => ({ where: 'runtime', what })),
      },
    }
  },
})
