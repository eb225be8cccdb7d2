import { beforeAll, expect, test } from 'vitest'
import { memoryInUse } from '../../../shared/compute/backends.ts'
import { loadRuntime, type RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { must } from '../../../shared/core/assert.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { asNumbers, type ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { graphSource, MODEL_FILES } from '../../fixtures/model-files.ts'
import { start, wasmPath } from './node-backend.ts'

beforeAll(() => start('wasm'))

const load = (model: RuntimeModel, backend: 'wasm' | 'cpu') => loadRuntime(model, backend, { wasmPath })
const text = (...data: string[]): ModelTensor => ({ dtype: 'string', shape: [data.length], data })

const node = (name: string, op: string, input: string[], attr: object = {}) => ({
  name,
  op,
  input,
  attr: { T: { type: 'DT_FLOAT' }, ...attr },
})
const dims = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } })

/** relu(x · [[1, -1], [2, 0.5]] + [0, 10]) and the sum before relu, of x [?, 2]. */
const small: RuntimeModel = {
  format: 'tfjs-graph',
  topology: {
    modelTopology: {
      node: [
        node('x', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape: dims(-1, 2) }),
        node('kernel', 'Const', [], { dtype: { type: 'DT_FLOAT' } }),
        node('bias', 'Const', [], { dtype: { type: 'DT_FLOAT' } }),
        node('product', 'MatMul', ['x', 'kernel'], { transpose_a: { b: false }, transpose_b: { b: false } }),
        node('sum', 'BiasAdd', ['product', 'bias']),
        node('positive', 'Relu', ['sum']),
      ],
      versions: { producer: 1 },
      library: {},
    },
    signature: {
      inputs: { features: { name: 'x:0', dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '-1' }, { size: '2' }] } } },
      outputs: {
        scores: { name: 'positive:0', dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '-1' }, { size: '2' }] } },
        logits: { name: 'sum:0', dtype: 'DT_FLOAT', tensorShape: { dim: [{ size: '-1' }, { size: '2' }] } },
      },
    },
    weights: [
      { name: 'kernel', dtype: 'float32', shape: [2, 2] },
      { name: 'bias', dtype: 'float32', shape: [2] },
    ],
  },
  tensors: {
    kernel: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -1, 2, 0.5) },
    bias: { dtype: 'float32', shape: [2], data: Float32Array.of(0, 10) },
  },
}
const two: ModelTensor = { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, -3, 4) }

test.each(['wasm', 'cpu'] as const)(
  '[CMP-80] a graph answers on %s, inputs and outputs named and typed by its signature',
  async (backend) => {
    const before = memoryInUse().tensors
    const runtime = await load(small, backend)
    expect(runtime.inputs).toEqual([{ name: 'features', dtype: 'float32', shape: [null, 2] }])
    expect(runtime.outputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['scores', 'float32', [null, 2]],
      ['logits', 'float32', [null, 2]],
    ])
    const [scores, logits] = await runtime.predict([two])
    expect(scores).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(5, 10, 5, 15) })
    expect(logits).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(5, 10, 5, 15) })
    await expect(runtime.predict([{ ...two, shape: [4, 1] }])).rejects.toMatchObject({ code: 'shape_mismatch' })
    const loaded = memoryInUse().tensors
    for (let i = 0; i < 20; i++) await runtime.predict([two])
    expect(memoryInUse().tensors).toBe(loaded)
    runtime.dispose()
    expect(memoryInUse().tensors).toBe(before)
    await expect(runtime.predict([two])).rejects.toMatchObject({ code: 'conflict' })
  },
)

test('[CMP-83] a graph whose description or weights do not fit is refused, and nothing is left behind', async () => {
  const before = memoryInUse().tensors
  const { kernel } = small.tensors
  const { modelTopology } = small.topology as { modelTopology: { node: JsonObject[] } }
  const unknown = { ...modelTopology, node: [...modelTopology.node.slice(0, 5), node('positive', 'Frobnicate', ['sum'])] }
  const cases: [RuntimeModel, string][] = [
    [{ ...small, topology: { nothing: true } }, 'invalid_document'],
    [{ ...small, topology: { ...small.topology, modelTopology: { node: 'x' } } }, 'invalid_document'],
    [{ ...small, tensors: { kernel: must(kernel, 'a kernel') } }, 'shape_mismatch'],
    [{ ...small, tensors: { ...small.tensors, other: must(kernel, 'a kernel') } }, 'shape_mismatch'],
    [{ ...small, topology: { ...small.topology, modelTopology: unknown } }, 'unsupported_op'],
  ]
  for (const [model, code] of cases) {
    const outcome = load(model, 'wasm').then(async (runtime) => {
      try {
        await runtime.predict([two])
      } finally {
        runtime.dispose()
      }
    })
    await expect(outcome).rejects.toMatchObject({ code })
  }
  expect(memoryInUse().tensors).toBe(before)
})

test('[CMP-80] Basic Pitch hears which note sounds', async () => {
  const runtime = await load(graphSource(MODEL_FILES.basicPitch()), 'wasm')
  // two seconds at 22,050 Hz; outputs are frames by 88 keys of a piano, from A0 on
  const tone = Float32Array.from({ length: 43_844 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 22_050))
  const outputs = await runtime.predict([{ dtype: 'float32', shape: [1, 43_844, 1], data: tone }])
  expect(runtime.outputs.map(({ name }) => name)).toEqual(['contour', 'Identity_1:0', 'Identity_2:0'])
  expect(outputs.map(({ shape }) => shape)).toEqual([
    [1, 172, 264],
    [1, 172, 88],
    [1, 172, 88],
  ])
  const { data } = asNumbers(must(outputs[1], 'notes'), 'notes')
  const middle = Array.from(data.subarray(86 * 88, 87 * 88))
  const A4 = 48
  expect(middle.indexOf(Math.max(...middle))).toBe(A4)
  runtime.dispose()
})

const PYTHON =
  'import os\n\nclass Walker(object):\n    def __init__(self, root):\n        self.root = root\n\n    def files(self):\n        return [name for name in os.listdir(self.root) if name is not None]\n'
const CPP =
  '#include <iostream>\n#include <vector>\nint main() {\n  std::vector<int> v{1, 2, 3};\n  for (auto x : v) std::cout << x << std::endl;\n  return 0;\n}\n'

async function languageOf(runtime: Runtime, source: string): Promise<string> {
  const [scores, classes] = await runtime.predict([text(source)])
  const values = Array.from(asNumbers(must(scores, 'scores'), 'scores').data)
  return must(must(classes, 'classes').data[values.indexOf(Math.max(...values))], 'a class') as string
}

test('[CMP-81] a graph with text and a loop answers on the CPU, in turn with models on other backends', async () => {
  const model = graphSource(MODEL_FILES.languageDetection())
  const [languages, other] = [await load(model, 'cpu'), await load(small, 'wasm')]
  expect(languages.inputs).toEqual([{ name: 'inputs', dtype: 'string', shape: [null] }])
  const answers = await Promise.all([
    languageOf(languages, PYTHON),
    other.predict([two]),
    languageOf(languages, CPP),
    ...Array.from({ length: 5 }, () => other.predict([two])),
  ])
  expect([answers[0], answers[2]]).toEqual(['py', 'cpp'])
  expect((answers[1] as ModelTensor[])[0]?.data).toEqual(Float32Array.of(5, 10, 5, 15))
  const loaded = memoryInUse().tensors
  await languageOf(languages, CPP)
  expect(memoryInUse().tensors).toBe(loaded)
  languages.dispose()
  other.dispose()
})

test('[CMP-81] another backend refuses a graph with text, and goes on serving others', async () => {
  const other = await load(small, 'wasm')
  await expect(load(graphSource(MODEL_FILES.languageDetection()), 'wasm')).rejects.toMatchObject({ code: 'unsupported_op' })
  expect((await other.predict([two]))[0]?.data).toEqual(Float32Array.of(5, 10, 5, 15))
  other.dispose()
})

test('[CMP-82] a self-test holds seeds of its inputs, some values of large outputs, and texts; other weights fail it', async () => {
  const runtime = await load(small, 'cpu')
  const many = await makeSelfTest(runtime, [{ dtype: 'float32', shape: [9000, 2], seed: 7 }])
  expect(many.inputs).toEqual([{ dtype: 'float32', shape: [9000, 2], seed: 7 }])
  expect(JSON.stringify(many).length).toBeLessThan(60_000)
  const wasm = await load(small, 'wasm')
  expect(await runSelfTest(wasm, many)).toMatchObject({ ok: true })
  wasm.dispose()
  const bias = { dtype: 'float32', shape: [2], data: Float32Array.of(0.01, 10) } as const
  const changed = await load({ ...small, tensors: { ...small.tensors, bias } }, 'cpu')
  expect(await runSelfTest(changed, many)).toMatchObject({ ok: false, error: { code: 'self_test_failed' } })
  changed.dispose()
  runtime.dispose()
  const languages = await load(graphSource(MODEL_FILES.languageDetection()), 'cpu')
  const made = JSON.parse(JSON.stringify(await makeSelfTest(languages, [text(PYTHON)])))
  expect(await runSelfTest(languages, made)).toMatchObject({ ok: true })
  languages.dispose()
})
