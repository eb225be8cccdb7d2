import { must } from '../../../shared/core/assert.ts'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cnn } from '../../../shared/compute/architectures.ts'
import { getWeights } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import type { GivenTensor } from '../../../shared/contract/imports.ts'
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { slug } from '../../../shared/core/fields.ts'
import type { ModelFile } from '../../../shared/formats/tfjs-files.ts'
import { type NamedTensors, tensorBytes } from '../../../shared/tensor/tensor.ts'
import { MODEL_FILES } from '../../fixtures/model-files.ts'
import { writeOnnx } from '../../fixtures/onnx-writer.ts'
import { start } from '../../shared/compute/node-backend.ts'
import { createTestServer, type TestServer } from '../harness.ts'

let server: TestServer
let editor: ReturnType<TestServer['client']>
let admin: ReturnType<TestServer['client']>
beforeAll(async () => {
  server = await createTestServer()
  editor = server.client(server.keys.editor)
  admin = server.client(server.keys.admin)
})
afterAll(() => server.close())

type More = { example?: Record<string, GivenTensor>; labels?: string[]; notes?: string }

async function importFiles(model: string, files: readonly ModelFile[], more: More = {}) {
  const named = []
  for (const { name, bytes } of files) {
    const digest = createHash('sha256').update(bytes).digest('hex') as Sha256
    await editor('blob.put', { params: { digest }, body: new Uint8Array(bytes) })
    named.push({ name, digest })
  }
  return editor('versions.import', { params: { model: slug.parse(model) }, body: { files: named, ...more } })
}

const SILERO: More = { example: { input: { shape: [1, 512] }, state: { shape: [2, 1, 128] }, sr: { data: [16_000] } } }
const file = (name: string, bytes: Uint8Array): ModelFile => ({ name, bytes })
const ask = (model: string, inputs: Parameters<typeof admin<'models.predict'>>[1]['body']['inputs'], version = 1) =>
  admin('models.predict', { params: { model: slug.parse(model) }, body: { inputs, version } })

/** The files of a tfjs layers model; every weight is stored as 8-bit numbers where `quantized`. */
function layersFiles(topology: object, tensors: NamedTensors, quantized: boolean): ModelFile[] {
  const scale = 1 / 64
  const weights = Object.entries(tensors).map(([name, { shape, dtype }]) => ({
    name,
    shape,
    dtype,
    ...(quantized ? { quantization: { dtype: 'uint8', scale, min: -2 } } : {}),
  }))
  const parts = Object.values(tensors).map((tensor) =>
    quantized ? Uint8Array.from(tensor.data as Float32Array, (value) => Math.round((value + 2) / scale)) : tensorBytes(tensor),
  )
  const weightsManifest = [{ paths: ['a.bin', 'b.bin'], weights }]
  const all = concatBytes(parts)
  return [
    file('model.json', utf8(JSON.stringify({ format: 'layers-model', generatedBy: '2.15.0', modelTopology: topology, weightsManifest }))),
    file('a.bin', all.subarray(0, 100)),
    file('b.bin', all.subarray(100)),
  ]
}

async function smallLayers() {
  await start('wasm')
  const topology = cnn({ inputShape: [8, 8, 1], classes: 3, blocks: [{ filters: 2, kernel: 3 }], hidden: [4] })
  const model = await buildSeededModel(topology, 3)
  const tensors = await getWeights(model)
  model.dispose()
  return { topology, tensors }
}

describe('[REG-30] a model file becomes a version', () => {
  test('[REG-30] ONNX: names, types, shapes and the file it came from; predictions carry state', async () => {
    const made = await importFiles('vad', MODEL_FILES.sileroV5(), { ...SILERO, notes: 'listens' })
    expect(made).toMatchObject({
      runtime: 'onnx',
      description: 'ONNX, opset 16, by spox, 25 kinds of operators',
      version: { model: 'vad', version: 1, parent: null },
      signature: {
        inputs: [
          { name: 'input', datatype: 'FP32', shape: [-1, -1] },
          { name: 'state', datatype: 'FP32', shape: [2, -1, 128] },
          { name: 'sr', datatype: 'INT64', shape: [] },
        ],
      },
    })
    expect(made.version.notes).toMatch(/^listens\nimported from silero_vad_v5\.onnx \(SHA256 2623a295/)
    const manifest = await server.services.registry.manifestOf(slug.parse('vad'), 1)
    expect(manifest.tensors.map(({ name }) => name)).toContain('decoder.rnn.weight_hh')
    expect(JSON.stringify(manifest).length).toBeLessThan(20_000)
    const state = { shape: [2, 1, 128], data: Buffer.alloc(1024).toString('base64') }
    const input = { data: Array.from({ length: 512 }, (_, i) => Math.sin(i / 9)) }
    const first = await ask('vad', [{ tensors: { input, state, sr: { data: [16_000] } } }])
    const [output, next] = first.predictions[0]?.outputs ?? []
    expect([output?.name, output?.shape, next?.name, next?.shape]).toEqual(['output', [1, 1], 'stateN', [2, 1, 128]])
    const again = await ask('vad', [{ tensors: { input, state: { shape: [2, 1, 128], data: next?.data ?? [] }, sr: { data: [16_000] } } }])
    expect(again.predictions[0]?.outputs?.[0]?.data).not.toEqual(output?.data)
  }, 60_000)

  test('[REG-30] a tfjs graph of numbers, its self-test drawn from seeds; the manifest stays small', async () => {
    const made = await importFiles('pitch', MODEL_FILES.basicPitch())
    expect(made).toMatchObject({
      runtime: 'tfjs-graph',
      signature: { inputs: [{ name: 'input_2', datatype: 'FP32', shape: [-1, 43_844, 1] }] },
    })
    expect(made.signature.outputs).toContainEqual({ name: 'contour', datatype: 'FP32', shape: [-1, 172, 264] })
    expect(JSON.stringify(await server.services.registry.manifestOf(slug.parse('pitch'), 1)).length).toBeLessThan(500_000)
  }, 60_000)

  test('[REG-30] a tfjs graph of text, answered on the CPU', async () => {
    const made = await importFiles('language', MODEL_FILES.languageDetection(), { example: { inputs: { data: ['def f(x): return x'] } } })
    expect(made.signature).toEqual({
      inputs: [{ name: 'inputs', datatype: 'BYTES', shape: [-1] }],
      outputs: [
        { name: 'classes', datatype: 'BYTES', shape: [-1, 54] },
        { name: 'scores', datatype: 'FP32', shape: [-1, 54] },
      ],
    })
    const source =
      'import os\n\nclass Walker(object):\n    def __init__(self, root):\n        self.root = root\n        for name in os.listdir(root):\n            print(name)\n'
    const { predictions, backend } = await ask('language', [{ inputs: source }])
    expect(backend).toBe('cpu')
    const [classes, scores] = predictions[0]?.outputs ?? []
    const likely = must(scores, 'the scores').data as number[]
    const best = likely.indexOf(Math.max(...likely))
    expect(classes?.data[best]).toBe('py')
  }, 60_000)

  test.each([false, true])(
    '[REG-30] a tfjs layers model in two weight files, quantized %s, with its labels',
    async (quantized) => {
      const { topology, tensors } = await smallLayers()
      const model = `layers-${quantized ? 'small' : 'full'}`
      const made = await importFiles(model, layersFiles(topology, tensors, quantized), { labels: ['a', 'b', 'c'] })
      expect(made).toMatchObject({ runtime: 'tfjs-layers', signature: { inputs: [{ datatype: 'FP32', shape: [-1, 8, 8, 1] }] } })
      const { predictions } = await ask(model, [
        { tensors: { [made.signature.inputs[0]?.name ?? '']: { data: new Array<number>(64).fill(0.5) } } },
      ])
      expect(['a', 'b', 'c']).toContain(predictions[0]?.label)
      expect(predictions[0]?.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
    },
    60_000,
  )

  test('[REG-30] a second version has the one that stable points at as its parent; a repeated request is one version', async () => {
    await admin('aliases.set', { params: { model: slug.parse('vad'), alias: slug.parse('stable') }, body: { version: 1, reason: 'first' } })
    const [sent] = MODEL_FILES.sileroV6()
    const digest = createHash('sha256')
      .update(sent?.bytes ?? new Uint8Array())
      .digest('hex') as Sha256
    await editor('blob.put', { params: { digest }, body: new Uint8Array(sent?.bytes ?? []) })
    const body = { files: [{ name: 'v6.onnx', digest }], ...SILERO }
    const twice = await Promise.all(
      [1, 2].map(() =>
        editor('versions.import', { params: { model: slug.parse('vad') }, body }, { idempotencyKey: 'second-version-of-vad' }),
      ),
    )
    expect(twice.map(({ version }) => [version.version, version.parent])).toEqual([
      [2, 1],
      [2, 1],
    ])
  }, 60_000)
})

describe('[REG-31] a file that is no model', () => {
  const onnx = (op: string) =>
    writeOnnx({
      nodes: [{ op, inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', type: 'float32', shape: [1, 4] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1, 4] }],
    })
  const [silero] = MODEL_FILES.sileroV5()

  test.each<[string, string, string, () => readonly ModelFile[], More?]>([
    ['that breaks off', 'invalid_document', 'are left', () => [file('m.onnx', (silero?.bytes ?? new Uint8Array()).subarray(0, 100_000))]],
    ['with an unknown operation', 'unsupported_op', 'Frobnicate', () => [file('m.onnx', onnx('Frobnicate'))]],
    [
      'that cannot compute the example',
      'invalid_input',
      'Pad',
      () => MODEL_FILES.sileroV5(),
      { example: { ...SILERO.example, input: { shape: [1, 7] } } },
    ],
    ['that draws lots', 'self_test_failed', 'value', () => [file('m.onnx', onnx('RandomNormalLike'))]],
    [
      'whose answers the labels do not fit',
      'invalid_input',
      '4 values, there are 2 labels',
      () => [file('m.onnx', onnx('Relu'))],
      { labels: ['a', 'b'] },
    ],
  ])(
    '[REG-31] a model %s is refused with %s, and nothing is made',
    async (_, code, what, files, more) => {
      await expect(importFiles('refused', files(), more)).rejects.toMatchObject({ code, detail: expect.stringContaining(what) })
      await expect(editor('models.get', { params: { model: slug.parse('refused') } })).rejects.toMatchObject({ code: 'unknown_model' })
    },
    60_000,
  )

  test('[REG-31] a file that was not uploaded is named', async () => {
    const digest = '0'.repeat(64) as Sha256
    const call = editor('versions.import', { params: { model: slug.parse('refused') }, body: { files: [{ name: 'a.onnx', digest }] } })
    await expect(call).rejects.toMatchObject({ code: 'unknown_blob' })
  })
})
