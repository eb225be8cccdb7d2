import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Model, ModelTensor } from '../../../client/sdk/api.ts'
import { localHost } from '../../../client/sdk/local-host.ts'
import { must } from '../../../shared/core/assert.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { slug } from '../../../shared/core/fields.ts'
import { createInferenceService } from '../../../shared/worker/inference-service.ts'
import { MODEL_FILES } from '../../fixtures/model-files.ts'
import { onnx, wasmPath } from '../../shared/compute/node-backend.ts'
import { createKit, type Kit, offline } from './kit.ts'

const VAD = slug.parse('vad')
const STABLE = slug.parse('stable')
let kit: Kit
beforeAll(async () => {
  kit = await createKit()
  for (const files of [MODEL_FILES.sileroV5, MODEL_FILES.sileroV6]) {
    const { name, bytes } = must(files()[0], 'a file')
    const digest = createHash('sha256').update(bytes).digest('hex') as Sha256
    await kit.admin('blob.put', { params: { digest }, body: new Uint8Array(bytes) })
    const example = { input: { shape: [1, 512] }, state: { shape: [2, 1, 128] }, sr: { data: [16_000] } }
    await kit.admin('versions.import', { params: { model: VAD }, body: { files: [{ name, digest }], example } })
  }
  await kit.admin('apps.create', { body: { app: slug.parse('listener'), models: [VAD] } })
}, 60_000)
afterAll(() => kit.close())

const point = (version: number) =>
  kit.admin('aliases.set', { params: { model: VAD, alias: STABLE }, body: { version, reason: `to ${version}` } })
const samples = (seed: number) => Float32Array.from({ length: 512 }, (_, i) => 0.4 * Math.sin((i * seed) / 9))
const silence = (): ModelTensor => ({ dtype: 'float32', shape: [2, 1, 128], data: new Float32Array(256) })

/** Probabilities of speech over frames, the state of one going into the next. */
async function listen(model: Model, seeds: readonly number[]): Promise<number[]> {
  let state = silence()
  const heard: number[] = []
  for (const seed of seeds) {
    const { outputs } = await model.predict({ input: samples(seed), state, sr: 16_000 })
    heard.push(must(outputs['output'], 'output').data[0] as number)
    state = must(outputs['stateN'], 'a state')
  }
  return heard
}

test('[REG-32] [MON-26] a device takes an imported ONNX model, its next version, and the way back: delivered, proven and counted like any other', async () => {
  await point(1)
  const shoal = await kit.device({ app: 'listener', host: localHost(createInferenceService({ wasmPath, onnx })) })
  const model = await shoal.load('vad')
  expect(model).toMatchObject({ version: 1, backend: 'wasm', labels: [] })
  expect(model.signature?.inputs.map(({ name, datatype }) => [name, datatype])).toEqual([
    ['input', 'FP32'],
    ['state', 'FP32'],
    ['sr', 'INT64'],
  ])
  const first = await listen(model, [1, 2, 3])
  const answer = await model.predict({ input: { data: samples(1), shape: [1, 512] }, state: silence(), sr: 16_000n })
  expect(answer).toMatchObject({ label: '', probabilities: [], confidence: 0, version: 1, backend: 'wasm' })
  expect(must(answer.outputs['output'], 'output').data[0]).toBe(first[0])
  await expect(model.feedback(answer.id, null)).rejects.toMatchObject({ code: 'invalid_input' })
  for (const [input, code] of [
    [{ input: samples(1), state: silence() }, 'invalid_input'],
    [{ input: samples(1), state: silence(), sr: 1.5 }, 'invalid_input'],
    [{ input: samples(1), state: new Float32Array(100), sr: 16_000 }, 'shape_mismatch'],
    [{ input: samples(1), state: silence(), sr: 16_000, more: 1 }, 'invalid_input'],
    [samples(1), 'invalid_input'],
  ] as const)
    await expect(model.predict(input)).rejects.toMatchObject({ code })

  await point(2)
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
  const second = await listen(model, [1, 2, 3])
  expect(second).not.toEqual(first)

  kit.intercept = offline
  expect(await model.rollback()).toBe(true)
  expect(model.version).toBe(1)
  expect(await listen(model, [1, 2, 3])).toEqual(first)
  kit.intercept = undefined
  await model.flush()
  const { reports } = await shoal.whatIsSent()
  expect(reports).toEqual([])
  expect(kit.requests.some((request) => request.startsWith('POST') && request.includes('report'))).toBe(true)
  // versions without references: taken in, and said not to be measured
  const { windows } = await kit.admin('monitoring.windows', { params: { model: VAD } })
  expect(windows.length).toBeGreaterThan(0)
  for (const window of windows)
    expect(window).toMatchObject({
      features: [],
      predictionDrift: { status: 'insufficient', n: 0, sentence: expect.stringContaining('no reference') as string },
    })
  await shoal.dispose()
}, 60_000)
