import { expect, test } from 'vitest'
import { chooseRuntime } from '../../../shared/compute/choose-runtime.ts'
import { loadRuntime, type RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { must } from '../../../shared/core/assert.ts'
import { asNumbers, type ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { MODEL_FILES, onnxSource } from '../../fixtures/model-files.ts'
import { writeOnnx } from '../../fixtures/onnx-writer.ts'
import { onnx, wasmPath } from './node-backend.ts'

const load = (model: RuntimeModel) => loadRuntime(model, 'wasm', { wasmPath, onnx })
const float = (shape: number[], ...data: number[]): ModelTensor => ({ dtype: 'float32', shape, data: Float32Array.from(data) })

/** relu(x · [[1, -1], [2, 0.5]] + [0, 10]) beside its own largest index. */
const small = (opset = 17, op = 'Relu') =>
  onnxSource(
    writeOnnx({
      nodes: [
        { op: 'Gemm', inputs: ['x', 'kernel', 'bias'], outputs: ['sum'] },
        { op, inputs: ['sum'], outputs: ['y'] },
        { op: 'ArgMax', inputs: ['y'], outputs: ['best'], attributes: { axis: 1, keepdims: 0 } },
      ],
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', 2] }],
      outputs: [
        { name: 'y', type: 'float32', shape: ['batch', 2] },
        { name: 'best', type: 'int64', shape: ['batch'] },
      ],
      weights: {
        kernel: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -1, 2, 0.5) },
        bias: { dtype: 'float32', shape: [2], data: Float32Array.of(0, 10) },
      },
      opset,
    }),
  )

test('[CMP-84] an ONNX model answers behind the same runtime, with its own names, types and shapes', async () => {
  const runtime = await load(small())
  expect(runtime).toMatchObject({
    engine: 'onnxruntime',
    backend: 'wasm',
    inputs: [{ name: 'x', dtype: 'float32', shape: [null, 2] }],
    outputs: [
      { name: 'y', dtype: 'float32', shape: [null, 2] },
      { name: 'best', dtype: 'int64', shape: [null] },
    ],
  })
  const [y, best] = await runtime.predict([float([2, 2], 1, 2, 30, 4)])
  expect(y).toEqual(float([2, 2], 5, 10, 38, 0))
  expect(best).toEqual({ dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, 0n) })
  await expect(runtime.predict([float([1, 3], 1, 2, 3)])).rejects.toMatchObject({ code: 'shape_mismatch' })
  await expect(runtime.predict([float([1, 2], 1, Number.NaN)])).rejects.toMatchObject({ code: 'invalid_input' })
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => runtime.predict([float([1, 2], i, 0)])))
  expect(answers.map(([first]) => asNumbers(must(first, 'y'), 'y').data[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  runtime.dispose()
  await expect(runtime.predict([float([1, 2], 1, 2)])).rejects.toMatchObject({ code: 'conflict' })
})

const frame = (seed: number): ModelTensor => float([1, 512], ...Array.from({ length: 512 }, (_, i) => 0.4 * Math.sin((i * seed) / 9)))
const rate: ModelTensor = { dtype: 'int64', shape: [], data: BigInt64Array.of(16_000n) }

/** The probabilities of speech over some frames, the state carried from one to the next. */
async function listen(runtime: Runtime, frames: readonly ModelTensor[]): Promise<number[]> {
  let state: ModelTensor = float([2, 1, 128], ...new Array<number>(256).fill(0))
  const heard: number[] = []
  for (const input of frames) {
    const [output, next] = await runtime.predict([input, state, rate])
    heard.push(asNumbers(must(output, 'output'), 'output').data[0] ?? Number.NaN)
    state = must(next, 'a state')
  }
  return heard
}

test('[CMP-84] Silero listens, version 5 and version 6: three inputs, two outputs, state carried', async () => {
  const frames = [1, 2, 3, 2].map(frame)
  const heard: number[][] = []
  for (const files of [MODEL_FILES.sileroV5, MODEL_FILES.sileroV6]) {
    const runtime = await load(onnxSource(must(files()[0], 'a file').bytes))
    expect(runtime.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['input', 'float32', [null, null]],
      ['state', 'float32', [2, null, 128]],
      ['sr', 'int64', []],
    ])
    const once = await listen(runtime, frames)
    expect(await listen(runtime, frames)).toEqual(once)
    // the same frame is heard differently after another one
    expect(once[3]).not.toBe(once[1])
    for (const probability of once) expect(probability).toBeGreaterThan(0)
    for (const probability of once) expect(probability).toBeLessThan(1)
    heard.push(once)
    runtime.dispose()
  }
  expect(heard[0]).not.toEqual(heard[1])
})

test('[CMP-82] a self-test of several named inputs passes where it was made and fails for another version', async () => {
  const [v5, v6] = [
    await load(onnxSource(must(MODEL_FILES.sileroV5()[0], 'v5').bytes)),
    await load(onnxSource(must(MODEL_FILES.sileroV6()[0], 'v6').bytes)),
  ]
  const made = await makeSelfTest(v5, [
    { dtype: 'float32', shape: [1, 512], seed: 1 },
    { dtype: 'float32', shape: [2, 1, 128], seed: 2 },
    rate,
  ])
  expect(await runSelfTest(v5, JSON.parse(JSON.stringify(made)))).toMatchObject({ ok: true })
  expect(await runSelfTest(v6, made)).toMatchObject({ ok: false, error: { code: 'self_test_failed' } })
  v5.dispose()
  v6.dispose()
})

test('[CMP-87] what onnxruntime cannot run is refused by code, and others go on', async () => {
  const good = await load(small())
  await expect(load(small(99))).rejects.toMatchObject({ code: 'unsupported_op' })
  await expect(load(small(17, 'Frobnicate'))).rejects.toMatchObject({
    code: 'unsupported_op',
    detail: expect.stringContaining('Frobnicate'),
  })
  await expect(load({ ...small(), tensors: {} })).rejects.toMatchObject({ code: 'shape_mismatch' })
  await expect(loadRuntime(small(), 'cpu', { onnx })).rejects.toMatchObject({ code: 'no_backend' })
  await expect(loadRuntime(small(), 'webgpu', { onnx })).rejects.toMatchObject({ code: 'no_backend' })
  await expect(loadRuntime(small(), 'wasm')).rejects.toMatchObject({ code: 'no_backend' })
  const silero = await load(onnxSource(must(MODEL_FILES.sileroV5()[0], 'v5').bytes))
  // too short for the padding inside: only onnxruntime knows
  await expect(
    silero.predict([float([1, 7], 1, 2, 3, 4, 5, 6, 7), float([2, 1, 128], ...new Array<number>(256).fill(0)), rate]),
  ).rejects.toMatchObject({
    code: 'invalid_input',
    detail: expect.stringContaining('Pad'),
  })
  expect(await listen(silero, [frame(1)])).toHaveLength(1)
  silero.dispose()
  expect((await good.predict([float([1, 2], 1, 2)]))[0]).toEqual(float([1, 2], 5, 10))
  good.dispose()
})

test('[CMP-88] the choice times the providers that run an ONNX model on inputs of its own, and says why others do not', async () => {
  const inputs = [float([1, 2], 1, 2)]
  const { choice, runtime } = await chooseRuntime({ model: small(), wasmPath, onnx, inputs })
  runtime.dispose()
  expect(choice).toMatchObject({ backend: 'wasm', engine: 'onnxruntime' })
  expect(Object.keys(choice.timings)).toEqual(['wasm'])
  expect(choice.skipped).toMatchObject({ webgpu: expect.stringContaining('adapter'), cpu: expect.stringContaining('onnxruntime') })
  const again = await chooseRuntime({ model: small(), onnx, inputs, remembered: choice })
  again.runtime.dispose()
  expect(again.choice).toEqual({ ...choice, remembered: true })
})

test('[CMP-112] a weight that holds NaN is refused by name when it is loaded, large or small, and what runs goes on', async () => {
  const size = 400
  const model = onnxSource(
    writeOnnx({
      nodes: [
        { op: 'Mul', inputs: ['x', 'scale'], outputs: ['scaled'] },
        { op: 'Add', inputs: ['scaled', 'shift'], outputs: ['y'] },
      ],
      inputs: [{ name: 'x', type: 'float32', shape: [size] }],
      outputs: [{ name: 'y', type: 'float32', shape: [size] }],
      weights: {
        scale: { dtype: 'float32', shape: [size], data: new Float32Array(size).fill(2) },
        shift: { dtype: 'float32', shape: [1], data: Float32Array.of(1234.5) },
      },
    }),
  )
  const runtime = await load(model)
  const scale = must(model.tensors['scale'], 'a weight that travels as a tensor')
  const large = {
    ...model.tensors,
    scale: { ...scale, data: Float32Array.from(scale.data as Float32Array, (value, i) => (i === 7 ? Number.NaN : value)) },
  }
  await expect(load({ ...model, tensors: large })).rejects.toMatchObject({ code: 'shape_mismatch', issues: [{ where: 'scale' }] })

  // the small one stays in the file's rest
  const rest = must(model.tensors['graph'], 'the rest')
  const bytes = Buffer.from(rest.data as Uint8Array)
  const at = bytes.indexOf(Buffer.from(Float32Array.of(1234.5).buffer))
  bytes.writeFloatLE(Number.NaN, at)
  const small = { ...model.tensors, graph: { ...rest, data: new Uint8Array(bytes) } }
  await expect(load({ ...model, tensors: small })).rejects.toMatchObject({ code: 'shape_mismatch', issues: [{ where: 'shift' }] })

  const [y] = await runtime.predict([float([size], ...new Array<number>(size).fill(3))])
  expect(asNumbers(must(y, 'y'), 'y').data[7]).toBe(1240.5)
  runtime.dispose()
})
