import { describe, expect, test } from 'vitest'
import { readModel } from '../../../server/imports/read-model.ts'
import { trialInputs } from '../../../server/imports/trial-inputs.ts'
import type { GivenTensor } from '../../../shared/contract/imports.ts'
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { ModelFile } from '../../../shared/formats/tfjs-files.ts'
import { MODEL_FILES } from '../../fixtures/model-files.ts'
import { writeOnnx } from '../../fixtures/onnx-writer.ts'

const file = (name: string, bytes: Uint8Array): ModelFile => ({ name, bytes })
const ports = { inputs: [], outputs: [{ name: 'y', type: 'float32', shape: [1] } as const], nodes: [] }
const small = (opset = 17) => file('m.onnx', writeOnnx({ ...ports, opset }))
const [description, weights] = MODEL_FILES.basicPitch() as [ModelFile, ModelFile]

describe('[REG-31] what is no model', () => {
  test.each<[string, string, string, readonly ModelFile[]]>([
    ['a web page', 'invalid_document', 'web page', [file('m.onnx', utf8('<!DOCTYPE html><html></html>'))]],
    ['an empty file', 'invalid_document', 'm.onnx is empty', [file('m.onnx', new Uint8Array())]],
    [
      'a Keras file',
      'invalid_document',
      'tensorflowjs_converter',
      [file('m.h5', concatBytes([Uint8Array.of(0x89), utf8('HDF\r\n'), new Uint8Array(64)]))],
    ],
    ['a Python pickle', 'invalid_document', 'pickle', [file('m.pt', Uint8Array.of(0x80, 2, 0x8a, 10))]],
    ['a zip archive', 'invalid_document', 'zip', [file('m.keras', concatBytes([utf8('PK'), Uint8Array.of(3, 4, 20, 0)]))]],
    [
      'a TensorFlow Lite file',
      'invalid_document',
      'TensorFlow Lite',
      [file('m.tflite', concatBytes([Uint8Array.of(28, 0, 0, 0), utf8('TFL3')]))],
    ],
    [
      'a Git LFS pointer',
      'invalid_document',
      'git lfs pull',
      [file('m.onnx', utf8('version https://git-lfs.github.com/spec/v1\noid sha256:0'))],
    ],
    ['ONNX of an opset to come', 'unsupported_op', 'opset 99', [small(99)]],
    [
      'ONNX with a weight of NaN',
      'shape_mismatch',
      'kernel must be numbers, got NaN',
      [file('m.onnx', writeOnnx({ ...ports, weights: { kernel: { dtype: 'float32', shape: [1], data: Float32Array.of(Number.NaN) } } }))],
    ],
    ['two ONNX files', 'invalid_document', 'more than an ONNX file has', [small(), file('b.onnx', small().bytes)]],
    ['a graph without its weights', 'invalid_document', 'was not handed over', [description]],
    [
      'a graph whose weights break off',
      'invalid_document',
      'cut off',
      [description, file(weights.name, weights.bytes.subarray(0, 700_000))],
    ],
    [
      'a graph with weights too long',
      'invalid_document',
      'its weights take 742392',
      [description, file(weights.name, concatBytes([weights.bytes, new Uint8Array(3)]))],
    ],
    ['a graph with a file too many', 'invalid_document', 'other.bin', [description, weights, file('other.bin', Uint8Array.of(1))]],
    ['two models at once', 'invalid_document', 'second JSON file', [description, weights, file('model2.json', description.bytes)]],
    ['JSON that is no model', 'invalid_document', 'modelTopology', [file('model.json', utf8('{"name":"x"}'))]],
    ['broken JSON', 'invalid_document', 'is not JSON', [file('model.json', utf8('{"format":'))]],
    [
      'safetensors without a topology',
      'invalid_document',
      'topology',
      [file('m.safetensors', concatBytes([Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0), utf8('{}      ')]))],
    ],
  ])('[REG-31] %s is refused with %s, saying what it is', async (_, code, what, files) => {
    await expect(readModel(files)).rejects.toMatchObject({ code, detail: expect.stringContaining(what) })
  })

  test('[REG-30] weights may begin like JSON, and a description like anything', async () => {
    const curly = weights.bytes.slice()
    curly[0] = 0x7b
    expect(
      await readModel(
        [file('w.bin', curly), { ...description, name: 'model.json' }].map((each) =>
          each.name === 'w.bin' ? { ...each, name: weights.name } : each,
        ),
      ),
    ).toMatchObject({ format: 'tfjs-graph' })
  })
})

const specs = [
  { name: 'input', dtype: 'float32', shape: [null, null] },
  { name: 'state', dtype: 'float32', shape: [2, null, 128] },
  { name: 'rate', dtype: 'int64', shape: [] },
]
const refusal = (example: Record<string, GivenTensor>): { code: string; detail: string } => {
  try {
    trialInputs(specs, example)
  } catch (thrown) {
    if (thrown instanceof AppError) return { code: thrown.code, detail: thrown.detail }
  }
  return { code: 'none', detail: '' }
}

test('[REG-30] a model is tried on what the example gives, and on seeds where it gives none', () => {
  const example = { input: { shape: [1, 512] }, state: { shape: [2, 1, 128] }, rate: { data: [16_000] } }
  expect(trialInputs(specs, example)).toEqual([
    { dtype: 'float32', shape: [1, 512], seed: 1 },
    { dtype: 'float32', shape: [2, 1, 128], seed: 2 },
    { dtype: 'int64', shape: [], data: 'gD4AAAAAAAA=' },
  ])
  expect(trialInputs([{ name: 'x', dtype: 'float32', shape: [null, 3] }], {})).toEqual([{ dtype: 'float32', shape: [1, 3], seed: 1 }])
})

test('[REG-31] an example that does not fit names the input and what it takes', () => {
  expect(refusal({})).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('{"input":{"shape":[1,512]}}') })
  expect(refusal({ sound: {} })).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('input, state, rate') })
  expect(refusal({ input: { shape: [1, 512] }, state: { shape: [3, 1, 128] } })).toMatchObject({
    code: 'shape_mismatch',
    detail: expect.stringContaining('state'),
  })
  expect(refusal({ input: { shape: [1, 2 ** 24 + 1] } })).toMatchObject({ code: 'invalid_input', detail: expect.stringContaining('fewer') })
  expect(refusal({ input: { shape: [1, 2] }, state: { shape: [2, 1, 128] }, rate: { data: [1.5] } })).toMatchObject({
    code: 'invalid_input',
    detail: expect.stringContaining('rate'),
  })
})
