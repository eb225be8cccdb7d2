import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { defineComponent } from '../../../server/pipeline/component.ts'

/** Components that do one thing, right or wrong: what the executor is tested with. */
const numberSchema = z.object({ value: z.number() })
const none = z.strictObject({})

export const constant = defineComponent({
  name: 'constant',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: z.strictObject({ value: z.number() }),
  run: async ({ params, blobs }) => ({
    outputs: { out: await blobs.json({ value: params.value }, { properties: { value: params.value } }) },
  }),
})

export const add = defineComponent({
  name: 'add',
  version: '1',
  module: import.meta.url,
  inputs: { a: 'metrics', b: 'metrics?' },
  outputs: { out: 'metrics' },
  params: z.strictObject({ plus: z.number().default(0) }),
  run: async ({ inputs, params, seed, blobs, log, progress }) => {
    const a = await inputs.a.json(numberSchema)
    const b = (await inputs.b?.json(numberSchema)) ?? { value: 0 }
    progress(1, 1, 'added')
    log.info(`adding ${a.value} and ${b.value}`)
    return {
      outputs: {
        out: await blobs.json({ value: a.value + b.value + params.plus, seed }, { properties: { sum: a.value + b.value + params.plus } }),
      },
    }
  },
})

export const throws = defineComponent({
  name: 'throws',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  run: async () => {
    throw new Error('this step is broken')
  },
})

export const hangs = defineComponent({
  name: 'hangs',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  limits: { timeoutMs: 700 },
  run: async () => {
    for (;;);
  },
})

export const waits = defineComponent({
  name: 'waits',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  limits: { timeoutMs: 700 },
  run: () => new Promise<never>(() => {}),
})

export const exits = defineComponent({
  name: 'exits',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  run: async () => process.exit(7),
})

export const leaksHeap = defineComponent({
  name: 'leaks-heap',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  limits: { memoryMb: 48 },
  run: async (): Promise<never> => {
    const kept: unknown[] = []
    for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => ({ i, text: `${i}` })))
  },
})

/** V8 does not end a thread whose array outgrows the heap at once: it ends the process. */
export const overflows = defineComponent({
  name: 'overflows',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  limits: { memoryMb: 160 },
  run: async (): Promise<never> => {
    const kept: unknown[] = []
    for (;;) kept.push({ at: kept.length, text: `${'x'.repeat(10)}${kept.length}` })
  },
})

/** As native code that reads where it may not. */
export const falls = defineComponent({
  name: 'falls',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  run: async (): Promise<never> => {
    process.kill(process.pid, 'SIGSEGV')
    return pause(60_000) as Promise<never>
  },
})

export const leaksBuffers = defineComponent({
  name: 'leaks-buffers',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  limits: { memoryMb: 96 },
  run: async ({ signal }): Promise<never> => {
    const kept: Uint8Array[] = []
    while (!signal.aborted) {
      if (kept.length < 24) kept.push(new Uint8Array(8 * 1024 * 1024).fill(1))
      await pause(5)
    }
    throw new Error(`stopped with ${kept.length}`)
  },
})

export const asksApi = defineComponent({
  name: 'asks-api',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: z.strictObject({ model: z.string() }),
  async run({ api, params, blobs, idempotencyKey, log }) {
    const model = params.model as never
    const twice = [
      await api('models.create', { body: { name: model } }, { idempotencyKey }),
      await api('models.create', { body: { name: model } }, { idempotencyKey }),
    ]
    const digest = (await blobs.bytes(new Uint8Array([1, 2, 3]))).digest
    const bytes = new Uint8Array(await (await api('blob.get', { params: { digest } })).arrayBuffer())
    const failed = await api('models.get', { params: { model: 'no-such-model' as never } }).then(
      () => 'found',
      (thrown: { code: string }) => thrown.code,
    )
    log.info(`answers: ${failed}`)
    return { outputs: { out: await blobs.json({ names: twice.map(({ name }) => name), bytes: [...bytes], failed }) } }
  },
})

export const refuses = defineComponent({
  name: 'refuses',
  version: '1',
  module: import.meta.url,
  inputs: { a: 'metrics' },
  outputs: { blessing: 'blessing' },
  params: none,
  run: async ({ blobs }) => ({
    outputs: { blessing: await blobs.json({ blessed: false }) },
    refused: { code: 'not_blessed', detail: 'worse than what is live' },
  }),
})

/** Waits for a file, so that a test decides when it goes on. */
export const waitsForFile = defineComponent({
  name: 'waits-for-file',
  version: '1',
  module: import.meta.url,
  inputs: { a: 'metrics?' },
  outputs: { out: 'metrics' },
  params: z.strictObject({ path: z.string() }),
  async run({ params, blobs, signal, progress }) {
    progress(1, 2, 'waiting')
    while (!existsSync(params.path)) await pause(10, undefined, { signal })
    return { outputs: { out: await blobs.json({ value: 1 }) } }
  },
})

export const deaf = defineComponent({
  name: 'deaf',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  run: async ({ progress }): Promise<never> => {
    progress(1, 1, 'ignoring everything')
    for (;;) await pause(10)
  },
})

export const forgets = defineComponent({
  name: 'forgets',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  run: async () => ({ outputs: {} as never }),
})

/** Learns nothing, and tells how it goes. */
export const measures = defineComponent({
  name: 'measures',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: z.strictObject({ epochs: z.int(), fails: z.boolean().default(false) }),
  run: async ({ params, blobs, logMetrics }) => {
    for (let epoch = 1; epoch <= params.epochs; epoch++) logMetrics({ loss: 1 / epoch, 'train accuracy': epoch / 10 }, epoch)
    if (params.fails) throw new Error('diverged')
    return { outputs: { out: await blobs.json(params, { properties: { accuracy: params.epochs / 10 } }) } }
  },
})

/** Forgets that steps are pure. */
export const draws = defineComponent({
  name: 'draws',
  version: '1',
  module: import.meta.url,
  inputs: { a: 'metrics' },
  outputs: { out: 'metrics' },
  params: none,
  run: async ({ blobs }) => ({ outputs: { out: await blobs.json({ value: process.hrtime.bigint().toString() }) } }),
})

let changes = 0
export const changesWorld = defineComponent({
  name: 'changes-world',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { out: 'metrics' },
  params: none,
  cache: 'never',
  run: async ({ blobs }) => ({ outputs: { out: await blobs.json({ value: ++changes }) } }),
})

/** Has nothing to release, but says so: a pipeline with it is one that ends in a release. */
export const releasing = defineComponent({
  name: 'releasing',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { release: 'release' },
  params: none,
  run: async ({ blobs }) => ({ outputs: { release: await blobs.json({}, {}) } }),
})
