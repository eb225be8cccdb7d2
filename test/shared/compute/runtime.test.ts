import { beforeAll, expect, test } from 'vitest'
import { cnn } from '../../../shared/compute/architectures.ts'
import { memoryInUse } from '../../../shared/compute/backends.ts'
import { getWeights, type Topology } from '../../../shared/compute/model.ts'
import { predictBatches } from '../../../shared/compute/predict-batches.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { affine } from '../../../shared/compute/examples.ts'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { selfTestSchema } from '../../../shared/tensor/golden.ts'
import { asNumbers } from '../../../shared/tensor/model-tensor.ts'
import { makeTensor, type NamedTensors, type TensorData } from '../../../shared/tensor/tensor.ts'
import { start, wasmPath } from './node-backend.ts'
import { quarters } from './shapes-data.ts'

const topology = cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 4, kernel: 3, pool: 2 }], hidden: [8] })
let tensors: NamedTensors

beforeAll(async () => {
  await start('wasm')
  const model = await buildSeededModel(topology, 3)
  tensors = await getWeights(model)
  model.dispose()
})

const load = (backend: 'wasm' | 'cpu' = 'wasm', weights = tensors) => loadRuntime({ topology, tensors: weights }, backend, { wasmPath })

function batch(count: number): TensorData {
  const random = seededRandom(count)
  return makeTensor(
    'float32',
    [count, 8, 8, 1],
    Float32Array.from({ length: count * 64 }, () => random.uniform()),
  )
}

test('[CMP-4] answers one row per example, the same on every backend', async () => {
  const [wasm, cpu] = [await load('wasm'), await load('cpu')]
  const first = async (runtime: Runtime) => asNumbers(must((await runtime.predict([batch(5)]))[0], 'an output'), 'output')
  const [a, b] = [await first(wasm), await first(cpu)]
  expect(a.shape).toEqual([5, 4])
  for (const [i, value] of a.data.entries()) expect(value).toBeCloseTo(must(b.data[i], 'a value'), 5)
  for (let row = 0; row < 5; row++)
    expect(
      Array.from(a.data)
        .slice(row * 4, row * 4 + 4)
        .reduce((x, y) => x + y, 0),
    ).toBeCloseTo(1, 5)
  wasm.dispose()
  cpu.dispose()
})

test('[CMP-4] refuses inputs of another shape, dtype or number, naming tensor, expected and got', async () => {
  const runtime = await load()
  const name = must(runtime.inputs[0], 'an input').name
  const wrong = makeTensor('float32', [2, 8, 8], new Float32Array(128))
  await expect(runtime.predict([wrong])).rejects.toMatchObject({
    code: 'shape_mismatch',
    detail: `tensor ${name} must be float32[?,8,8,1], got float32[2,8,8]`,
  })
  await expect(runtime.predict([makeTensor('uint8', [1, 8, 8, 1], new Uint8Array(64))])).rejects.toMatchObject({ code: 'shape_mismatch' })
  await expect(runtime.predict([])).rejects.toMatchObject({ code: 'shape_mismatch' })
  runtime.dispose()
})

test('[CMP-4] refuses inputs and answers that are not finite', async () => {
  const runtime = await load()
  const input = batch(1)
  input.data[7] = Number.NaN
  await expect(runtime.predict([input])).rejects.toMatchObject({ code: 'invalid_input' })
  runtime.dispose()
  const huge = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map(() => 3e38) as Float32Array<ArrayBuffer> }]),
  )
  const overflowing = await load('wasm', huge)
  await expect(overflowing.predict([batch(1)])).rejects.toMatchObject({ code: 'output_not_finite' })
  overflowing.dispose()
})

test('[CMP-4] refuses weights that are missing, unknown, misshapen or not finite, and leaves nothing behind', async () => {
  const before = memoryInUse()
  const name = 'output/kernel'
  const { [name]: kernel, ...rest } = tensors
  const cases: NamedTensors[] = [
    rest,
    { ...tensors, extra: batch(1) },
    { ...tensors, [name]: batch(1) },
    {
      ...tensors,
      [name]: { ...must(kernel, 'a kernel'), data: must(kernel, 'a kernel').data.map(() => Number.NaN) as Float32Array<ArrayBuffer> },
    },
  ]
  for (const weights of cases) await expect(load('wasm', weights)).rejects.toMatchObject({ code: 'shape_mismatch' })
  expect(memoryInUse()).toEqual(before)
})

test('[CMP-4] refuses a topology that no model can be built from', async () => {
  const bad: Topology[] = [
    {},
    { class_name: 'Sequential' },
    { class_name: 'Sequential', config: { name: 'x', layers: [{ class_name: 'Quantum', config: {} }] } },
  ]
  for (const other of bad)
    await expect(loadRuntime({ topology: other, tensors: {} }, 'cpu')).rejects.toMatchObject({ code: 'invalid_document' })
})

test('[CMP-4] a disposed runtime says so', async () => {
  const runtime = await load()
  runtime.dispose()
  runtime.dispose()
  await expect(runtime.predict([batch(1)])).rejects.toMatchObject({ code: 'conflict' })
})

test('[CMP-5] a thousand predictions, right and wrong ones, leave no tensor; dispose frees all', async () => {
  const before = memoryInUse()
  const runtime = await load()
  await runtime.predict([batch(2)])
  const loaded = runtime.memory()
  for (let i = 0; i < 1000; i++) {
    if (i % 10 === 9)
      await expect(runtime.predict([makeTensor('float32', [1], new Float32Array(1))])).rejects.toMatchObject({ code: 'shape_mismatch' })
    else await runtime.predict([batch(2)])
  }
  expect(runtime.memory()).toEqual(loaded)
  runtime.dispose()
  expect(memoryInUse()).toEqual(before)
})

test('[CMP-10] predictions in batches equal those at once, through the transform', async () => {
  const runtime = await load()
  const { examples } = quarters(50, 1)
  const transform = affine(1 / 255)
  const whole = await predictBatches(runtime, examples, { transform })
  const parts = await predictBatches(runtime, examples, { transform, batchSize: 7 })
  expect(whole.width).toBe(4)
  for (const [i, value] of parts.values.entries()) expect(value).toBeCloseTo(must(whole.values[i], 'a value'), 6)
  await expect(predictBatches(runtime, examples, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  runtime.dispose()
})

test('[CMP-11] a self-test made on one backend passes on another, through JSON', async () => {
  const [wasm, cpu] = [await load('wasm'), await load('cpu')]
  const made = selfTestSchema.parse(JSON.parse(JSON.stringify(await makeSelfTest(cpu, [batch(3)]))))
  expect(await runSelfTest(wasm, made)).toMatchObject({ ok: true })
  expect(await runSelfTest(cpu, made)).toMatchObject({ ok: true, value: { largestDifference: 0 } })
  wasm.dispose()
  cpu.dispose()
})

test('[CMP-11] other weights fail the self-test, which names the largest difference; so do NaN and another shape', async () => {
  const runtime = await load()
  const made = await makeSelfTest(runtime, [batch(3)])
  const kernel = must(tensors['output/kernel'], 'a kernel')
  const other = await load('wasm', {
    ...tensors,
    'output/kernel': { ...kernel, data: kernel.data.map((value) => value + 0.1 * Math.sign(value)) as Float32Array<ArrayBuffer> },
  })
  const failed = await runSelfTest(other, made)
  expect(failed).toMatchObject({
    ok: false,
    error: {
      code: 'self_test_failed',
      detail: expect.stringMatching(/^value \d+ of output 0: expected .* got .* difference .* allowed 0.0001 on wasm$/),
    },
  })
  const bad = {
    ...made,
    outputs: [
      {
        ...must(made.outputs[0], 'an output'),
        data: btoa(String.fromCharCode(...new Uint8Array(new Float32Array(12).fill(Number.NaN).buffer))),
      },
    ],
  }
  expect(await runSelfTest(runtime, bad)).toMatchObject({ ok: false, error: { code: 'self_test_failed' } })
  expect(await runSelfTest(runtime, { ...made, inputs: [] })).toMatchObject({ ok: false, error: { code: 'self_test_failed' } })
  expect(await runSelfTest(runtime, { ...made, outputs: [] })).toMatchObject({ ok: false, error: { code: 'self_test_failed' } })
  runtime.dispose()
  other.dispose()
})

test('[CMP-65] an answer that can be held nowhere is refused by name before it is computed, and the runtime lives', async () => {
  const huge = structuredClone(topology) as unknown as { config: { layers: { class_name: string; config: Record<string, unknown> }[] } }
  const [first] = huge.config.layers
  const upsampled = { class_name: 'UpSampling2D', config: { name: 'grow', size: [3000, 3000], data_format: 'channels_last' } }
  huge.config.layers = [
    { class_name: 'UpSampling2D', config: { ...upsampled.config, batch_input_shape: must(first, 'a layer').config['batch_input_shape'] } },
    { class_name: 'GlobalAveragePooling2D', config: { name: 'mean', data_format: 'channels_last' } },
  ]
  const runtime = await loadRuntime({ topology: huge as unknown as Topology, tensors: {} }, 'wasm', { wasmPath })
  await expect(runtime.predict([batch(1)])).rejects.toMatchObject({
    code: 'out_of_memory',
    detail: 'the answer of layer grow, float32[1,24000,24000,1] takes 2.1 GiB, it must be below 2 GiB',
    issues: [{ where: 'grow' }],
  })
  runtime.dispose()
  const small = await load()
  expect((await small.predict([batch(1)]))[0]?.shape).toEqual([1, 4])
  small.dispose()
})
