import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keptChoices } from '../../../server/serving/kept-choices.ts'
import { nodeThread } from '../../../server/serving/node-thread.ts'
import { createServing, type PredictRequest, type Serving, type ServingDeps } from '../../../server/serving/serving-service.ts'
import { must } from '../../../shared/core/assert.ts'
import { toBase64 } from '../../../shared/core/bytes.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { createKit, type Kit, MODEL } from '../../client/sdk/kit.ts'
import { digit } from '../../shared/data/mnist.ts'
import { digitWeights } from '../../simulator/digit-model.ts'
import { publishVersion } from '../../simulator/publish.ts'
import { rowModel, tulip } from './row-model.ts'

const PLANTS = 'plants' as Slug
const WORKER = new URL('../../../server/serving/serving-worker.ts', import.meta.url)

let kit: Kit
let viewer: ReturnType<Kit['server']['client']>
let folder: string
const open: Serving[] = []

// digits: 1 stable; 2 every label is the next one; 3 reproduces no golden output; 4 revoked; plants: 1 stable, rows
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-serving-'))
  kit = await createKit()
  viewer = kit.server.client(kit.server.keys.viewer)
  await kit.publish()
  await kit.register({ weights: digitWeights({ permute: 1 }) })
  await kit.register({ spoilSelfTest: 5 })
  await kit.register({ weights: digitWeights({ jitter: 1 }) })
  await kit.admin('versions.revoke', { params: { model: MODEL, version: '4' }, body: { reason: 'wrong labels' } })
  await publishVersion(kit.admin, PLANTS, await rowModel())
})
afterAll(async () => {
  for (const serving of open) serving.close()
  await kit.close()
  await rm(folder, { recursive: true })
})

const image = (i: number) => ({ shape: [28, 28], data: toBase64(digit(i)) })
const images = (count: number) => Array.from({ length: count }, (_, i) => image(i))
const ask = (body: Omit<PredictRequest, 'model'>, model = MODEL) =>
  viewer('models.predict', { params: { model }, body: { ...body, inputs: [...body.inputs] } })

/** What the server, which has answered, remembers of a version. */
async function chosenHere(version: number) {
  const { manifest } = await kit.server.services.registry.getVersion(MODEL, version)
  return must(await keptChoices(join(kit.server.dataFolder, 'serving')).of(manifest), 'a choice')
}

/** The service by itself, and which versions' pieces it has fetched. */
function serve(options: Partial<ServingDeps> = {}): { serving: Serving; fetched: Sha256[] } {
  const { registry, blobs } = kit.server.services
  const fetched: Sha256[] = []
  const read = (digest: Sha256) => {
    fetched.push(digest)
    return blobs.read(digest)
  }
  const choices = keptChoices(join(folder, `${open.length}`))
  const onError = (thrown: unknown): void => {
    throw thrown
  }
  const serving = createServing({ registry, blobs: { read }, choices, clock: systemClock, random: cryptoRandom, onError, ...options })
  open.push(serving)
  return { serving, fetched }
}

test('[SRV-1] predictions over HTTP are those of a device on the same pixels and the same version', async () => {
  const model = await (await kit.device()).load('digits')
  const places = Array.from({ length: 100 }, (_, i) => i * 7)
  const answer = await ask({ inputs: places.map(image) })
  expect(answer).toMatchObject({ model: 'digits', version: 1, labels: model.labels })
  let largest = 0
  for (const [at, place] of places.entries()) {
    const there = await model.predict(digit(place))
    const here = must(answer.predictions[at], 'a prediction')
    expect(here).toMatchObject({ label: there.label, id: expect.stringMatching(/^pre_/) as string })
    expect(here.probabilities).toHaveLength(10)
    for (const [i, p] of there.probabilities.entries()) largest = Math.max(largest, Math.abs(p - (here.probabilities[i] ?? Number.NaN)))
    largest = Math.max(largest, Math.abs(there.confidence - here.confidence))
  }
  // whoever measured something else as faster computes in another order
  const same = model.explainBackend()?.candidate === (await chosenHere(1))?.choice.candidate
  expect(largest).toBeLessThan(same ? 1e-6 : 1e-4)
})

test('[SRV-1] rows of a table go through the transforms of the version', async () => {
  const rows = [
    { width: 2, colour: 'red' },
    { width: 5.5, colour: 'blue', ignored: true },
    { width: null, colour: 'red' },
  ]
  const { predictions, labels } = await ask({ inputs: rows }, PLANTS)
  expect(labels).toEqual(['rose', 'tulip'])
  for (const [i, { width, colour }] of rows.entries()) expect(predictions[i]?.probabilities[1]).toBeCloseTo(tulip(width, colour), 6)
  expect(predictions.map(({ label }) => label)).toEqual(['rose', 'tulip', 'tulip'])
})

test('[SRV-2] stable answers unless another alias or a version is named; both at once are refused', async () => {
  const labels = async (body: object) => (await ask({ inputs: images(3), ...body })).predictions.map(({ label }) => Number(label))
  const stable = await labels({})
  const next = stable.map((label) => (label + 1) % 10)
  expect(await labels({ version: 2 })).toEqual(next)
  await kit.admin('aliases.set', { params: { model: MODEL, alias: 'beta' }, body: { version: 2, reason: 'test' } })
  expect(await labels({ alias: 'beta' })).toEqual(next)
  await expect(labels({ alias: 'beta', version: 2 })).rejects.toMatchObject({ code: 'invalid_input' })
})

test('[SRV-3] a version is loaded once; when the alias moves, the next answer is of the version that it points at now', async () => {
  const { serving, fetched } = serve({ settings: { loaded: 1 } })
  const alias = 'moving' as Slug
  const move = (version: number) => kit.admin('aliases.set', { params: { model: MODEL, alias }, body: { version, reason: 'test' } })
  const answer = async () => (await serving.predict({ model: MODEL, alias, inputs: images(1) })).version
  await move(1)
  expect(await Promise.all([answer(), answer(), answer()])).toEqual([1, 1, 1])
  const once = fetched.length
  expect(new Set(fetched).size).toBe(once)
  await move(2)
  expect(await answer()).toBe(2)
  expect(await answer()).toBe(2)
  expect(fetched.length).toBe(2 * once)
  // the first was let go
  await move(1)
  expect(await answer()).toBe(1)
  expect(fetched.length).toBe(3 * once)
})

test.each([
  ['a model that is not there', 'unknown_model', { inputs: [{ x: 1 }] }, 'nobody' as Slug],
  ['a version that is not there', 'unknown_version', { inputs: [image0()], version: 99 }, MODEL],
  ['an alias that points nowhere', 'unknown_version', { inputs: [image0()], alias: 'nowhere' as Slug }, MODEL],
  ['a revoked version', 'version_revoked', { inputs: [image0()], version: 4 }, MODEL],
  ['a version that does not reproduce its golden outputs', 'self_test_failed', { inputs: [image0()], version: 3 }, MODEL],
])('[SRV-4] %s is %s', async (_, code, body, model) => {
  await expect(ask(body, model)).rejects.toMatchObject({ code })
})

function image0() {
  return { shape: [28, 28], data: toBase64(new Uint8Array(784)) }
}

test('[SRV-5] an input that does not fit is named with its place, what was expected and what came', async () => {
  const fails = (input: object, model = MODEL) =>
    ask({ inputs: [model === MODEL ? image0() : { width: 1, colour: 'red' }, input as never] }, model).then(
      () => expect.fail('it was answered'),
      (thrown: unknown) => thrown,
    )
  const where = 'body.inputs[1]'
  expect(await fails({ shape: [14, 56], data: image0().data })).toMatchObject({
    code: 'shape_mismatch',
    detail: `${where}: tensor image must be 28x28x1, got 14x56x1`,
    issues: [{ where }],
  })
  expect(await fails({ shape: [28, 28], data: toBase64(new Uint8Array(783)) })).toMatchObject({
    code: 'shape_mismatch',
    detail: expect.stringMatching(/28x28x1 = 784 values, got 783$/) as string,
  })
  expect(await fails({ shape: [28, 28], data: 'not base64!' })).toMatchObject({ code: 'invalid_input', issues: [{ where }] })
  expect(await fails({ pixels: 1 })).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('image') as string })
  expect(await fails({ width: 1 }, PLANTS)).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('colour') as string })
  expect(await fails(image0(), PLANTS)).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('each column') as string })
  await expect(ask({ inputs: Array.from({ length: 257 }, () => ({ x: 1 })) })).rejects.toMatchObject({ code: 'invalid_input' })
})

test('[SRV-6] more requests at once than the server takes are turned away with Retry-After, those before them are answered', async () => {
  const { serving } = serve({ settings: { inFlight: 2 } })
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => serving.predict({ model: MODEL, version: 1, inputs: images(2) })))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  expect(results[2]).toMatchObject({ reason: { code: 'unavailable', headers: { 'retry-after': '1' } } })
  expect(await serving.predict({ model: MODEL, version: 1, inputs: images(2) })).toMatchObject({ version: 1 })
})

test('[SRV-7] the event loop is free while the thread computes', async () => {
  const { serving } = serve()
  await serving.predict({ model: MODEL, version: 1, inputs: images(1) })
  let turns = 0
  let going = true
  const turn = (): void => {
    turns++
    if (going) setImmediate(turn)
  }
  turn()
  await serving.predict({ model: MODEL, version: 1, inputs: images(256) })
  going = false
  // the same work on the event loop leaves it a handful
  expect(turns).toBeGreaterThan(100)
})

test('[SRV-7] a thread that dies fails what it was asked with worker_died, and the next question is answered by a new one', async () => {
  const threads: ReturnType<typeof nodeThread>[] = []
  const { serving } = serve({
    spawn: () => {
      const thread = nodeThread(WORKER, { memoryMb: 512 })
      threads.push(thread)
      return thread
    },
  })
  const answer = () => serving.predict({ model: MODEL, version: 1, inputs: images(256) })
  const { predictions } = await answer()
  const during = answer()
  must(threads[0], 'a thread').terminate()
  await expect(during).rejects.toMatchObject({ code: 'worker_died', retryable: true })
  const after = await answer()
  expect(threads).toHaveLength(2)
  expect(after.predictions.map(({ probabilities }) => probabilities)).toEqual(predictions.map(({ probabilities }) => probabilities))
})
