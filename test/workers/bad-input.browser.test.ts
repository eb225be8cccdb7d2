import { afterEach, beforeEach, expect, test } from 'vitest'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { TensorData } from '../../shared/tensor/tensor.ts'
import { encodeTensor } from '../../shared/tensor/tensor-json.ts'
import { connectWorker, type WorkerConnection, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import { INFERENCE_PROTOCOL, type InferenceApi, type LoadModel } from '../../shared/worker/inference-api.ts'
import { makeModel, pixels } from './small-model.ts'

// The real worker: whatever is asked of it, it says by code and name what was wrong, and answers the next question.

let worker: WorkerConnection<InferenceApi>
let spawned: Worker[] = []
beforeEach(() => {
  worker = connectWorker<InferenceApi>({
    spawn: () => {
      const made = new Worker(new URL('./full-worker.ts', import.meta.url), { type: 'module' })
      spawned.push(made)
      return made as WorkerLike
    },
    protocol: INFERENCE_PROTOCOL,
    clock: systemClock,
  })
})
afterEach(() => {
  worker.dispose()
  // one worker is all that was needed
  expect(spawned.length).toBe(1)
  spawned = []
})

const values = (shape: readonly number[], data: readonly number[]): TensorData => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

const node = (name: string, op: string, input: string[], attr: object = {}) => ({
  name,
  op,
  input,
  attr: { T: { type: 'DT_FLOAT' }, ...attr },
})

/** A graph model of x · [[1, -1], [2, 0.5]], which takes its tensors as they are; `op` is what computes it. */
function graphModel(op = 'MatMul', weight = values([2, 2], [1, -1, 2, 0.5])): LoadModel {
  const any = { shape: { dim: [{ size: '-1' }, { size: '2' }] } }
  const topology = {
    modelTopology: {
      node: [
        node('x', 'Placeholder', [], { dtype: { type: 'DT_FLOAT' }, shape: any }),
        node('kernel', 'Const', [], { dtype: { type: 'DT_FLOAT' } }),
        node('y', op, ['x', 'kernel'], { transpose_a: { b: false }, transpose_b: { b: false } }),
      ],
      versions: { producer: 1 },
      library: {},
    },
    weights: [{ name: 'kernel', dtype: 'float32', shape: [2, 2] }],
  } as unknown as JsonObject
  return {
    manifest: {
      topology,
      signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }] },
      transforms: [],
      monitors: 'columns',
      labels: [],
      selfTest: {
        input: encodeTensor(values([1, 2], [1, 2])),
        output: encodeTensor(values([1, 2], [5, 0])),
        tolerance: { webgpu: 1e-3, wasm: 1e-3, cpu: 1e-3 },
      },
      requires: { runtime: 'tfjs-graph', shoal: '0.1.0' },
    },
    tensors: { kernel: weight },
    candidates: ['wasm'],
  }
}

async function answersStill(): Promise<void> {
  const { handle } = await worker.call('load', [graphModel()])
  const { outputs } = await worker.call('predict', [handle, { x: [1, 2] }])
  expect(Array.from(must(outputs['y'], 'y').data as Float32Array)).toEqual([5, 0])
}

test('[CMP-111] in a real worker: inputs of a wrong shape, type or name, and values that are none, are refused by name', async () => {
  const { handle } = await worker.call('load', [graphModel()])
  const cases = [
    [{ x: [1, 2, 3] }, 'shape_mismatch', 'x', /float32\[\?,2\], got 3 values/],
    [{ x: { data: [1, 2, 3], shape: [1, 3] } }, 'shape_mismatch', 'x', /float32\[\?,2\], got float32\[1,3\] with 3 values/],
    [{ x: ['one', 'two'] }, 'invalid_input', 'x', /takes numbers, not string/],
    [{ x: BigInt64Array.of(1n, 2n) }, 'invalid_input', 'x', /takes numbers, not bigint/],
    [{ x: [1, Number.NaN] }, 'invalid_input', 'x', /NaN/],
    [{ z: [1, 2] }, 'invalid_input', 'z', /which are x/],
  ] as const
  for (const [input, code, where, detail] of cases) {
    await expect(worker.call('predict', [handle, input])).rejects.toMatchObject({
      code,
      detail: expect.stringMatching(detail),
      issues: [{ where }],
    })
    const { outputs } = await worker.call('predict', [handle, { x: [1, 2] }])
    expect(Array.from(must(outputs['y'], 'y').data as Float32Array)).toEqual([5, 0])
  }
})

test('[CMP-111] in a real worker: weights that are missing, of a wrong shape or type, or not numbers are refused by name, for every engine', async () => {
  const { manifest, tensors } = await makeModel()
  const [name = '', weight] = Object.entries(tensors)[0] ?? []
  const { dtype, shape, data } = must(weight, 'a weight')
  const nan = { dtype, shape, data: data.map((value, i) => (i === 3 ? Number.NaN : value)) } as TensorData
  const bad: readonly [TensorData, RegExp][] = [
    [nan, /finite values, got NaN/],
    [{ dtype, shape: [...shape, 1], data }, /float32\[3,3,1,4\], got float32\[3,3,1,4,1\]/],
    [{ dtype: 'int32', shape, data: Int32Array.from(data) }, /float32\[3,3,1,4\], got int32\[3,3,1,4\]/],
  ]
  for (const candidate of ['wasm', 'plan', 'cpu'] as const)
    for (const [tensor, detail] of bad)
      await expect(
        worker.call('load', [{ manifest, tensors: { ...tensors, [name]: tensor }, candidates: [candidate] }]),
      ).rejects.toMatchObject({
        code: 'shape_mismatch',
        detail: expect.stringMatching(detail),
        issues: [{ where: name }],
      })
  for (const [tensor, detail] of [
    [values([2, 2], [1, Number.NaN, 0, 0]), /kernel must be numbers, got NaN/],
    [values([4], [1, 2, 3, 4]), /kernel must be float32\[2,2\], got float32\[4\]/],
    [{ dtype: 'int32', shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) }, /kernel must be float32\[2,2\], got int32\[2,2\]/],
  ] as const)
    await expect(worker.call('load', [graphModel('MatMul', tensor)])).rejects.toMatchObject({
      code: 'shape_mismatch',
      detail: expect.stringMatching(detail),
      issues: [{ where: 'kernel' }],
    })
  const { handle } = await worker.call('load', [{ manifest, tensors }])
  expect((await worker.call('predict', [handle, pixels])).output.length).toBe(4)
  await answersStill()
})

test('[CMP-111] in a real worker: an operation without a kernel is refused by its name', async () => {
  await expect(worker.call('load', [graphModel('Frobnicate')])).rejects.toMatchObject({
    code: 'unsupported_op',
    detail: expect.stringContaining('Frobnicate'),
  })
  await answersStill()
})

/** Its first answer takes 64 MiB. */
function largeModel(): LoadModel {
  const layer = (class_name: string, config: JsonObject) => ({ class_name, config: { trainable: true, ...config } })
  const small = values(
    [1, 8, 8, 1],
    Array.from({ length: 64 }, (_, i) => i),
  )
  return {
    ...graphModel(),
    manifest: {
      ...graphModel().manifest,
      topology: {
        class_name: 'Sequential',
        config: {
          name: 'large',
          layers: [
            layer('UpSampling2D', {
              name: 'grow',
              size: [512, 512],
              data_format: 'channels_last',
              batch_input_shape: [null, 8, 8, 1],
              dtype: 'float32',
            }),
            layer('ReLU', { name: 'positive' }),
            layer('GlobalAveragePooling2D', { name: 'mean', data_format: 'channels_last' }),
          ],
        },
        keras_version: 'tfjs-layers 4.22.0',
        backend: 'tensor_flow.js',
      },
      signature: {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 8, 8, 1] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      },
      selfTest: {
        input: encodeTensor(small),
        output: encodeTensor(values([1, 1], [31.5])),
        tolerance: { webgpu: 1e-3, wasm: 1e-3, cpu: 1e-3 },
      },
      requires: { runtime: 'tfjs-layers', shoal: '0.1.0' },
    },
    tensors: {},
  }
}

test('[CMP-110] in a real worker: a model whose tensors exceed the WASM memory is refused, naming the one that had no room; others go on', async () => {
  const { handle } = await worker.call('load', [graphModel()])
  const [thread] = spawned
  const filled = new Promise((resolve) => thread?.addEventListener('message', ({ data }) => data === 'filled' && resolve(true)))
  thread?.postMessage('fill')
  await filled
  for (let i = 0; i < 3; i++)
    await expect(worker.call('load', [largeModel()])).rejects.toMatchObject({
      code: 'out_of_memory',
      detail: expect.stringMatching(/a tensor float32\[1,4096,4096,1\] takes 64 MiB, for which the WASM memory of \d+ MiB has no room/),
      issues: [{ where: 'float32[1,4096,4096,1]' }],
    })
  const { outputs } = await worker.call('predict', [handle, { x: [1, 2] }])
  expect(Array.from(must(outputs['y'], 'y').data as Float32Array)).toEqual([5, 0])
  await answersStill()
})
