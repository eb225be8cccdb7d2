import onnxWebgpu from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url'
import onnxWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { expect, test } from 'vitest'
import type { Model, ModelTensor } from '../../../client/sdk/api.ts'
import { createDevice } from '../../../client/sdk/device.ts'
import { webLocks } from '../../../client/sdk/locks.ts'
import { idbStorage } from '../../../client/sdk/storage/idb-storage.ts'
import { workerHost } from '../../../client/sdk/worker-host.ts'
import { loadRuntime, type RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { cutOnnxFile } from '../../../shared/formats/onnx-cuts.ts'
import { readOnnxFile } from '../../../shared/formats/onnx-file.ts'
import type { WorkerLike } from '../../../shared/worker/connect-worker.ts'
import type { RunnableManifest } from '../../../shared/worker/inference-api.ts'
import { writeOnnx } from '../../fixtures/onnx-writer.ts'
import { staticServer } from './static-server.ts'

const onnx = { wasm: onnxWasm, webgpu: onnxWebgpu }
const FILES = {
  5: new URL('../../../node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx', import.meta.url),
  6: new URL('../../../node_modules/@ricky0123/vad-web/dist/silero_vad_v6.onnx', import.meta.url),
}
const source = (file: Uint8Array): RuntimeModel => ({ format: 'onnx', ...cutOnnxFile(file, readOnnxFile(file)) })

/** Silero as the control plane would deliver it. */
async function silero(version: 5 | 6) {
  const model = source(new Uint8Array(await (await fetch(FILES[version])).arrayBuffer()))
  const runtime = await loadRuntime(model, 'wasm', { onnx: { wasm: onnxWasm } })
  const rate = { dtype: 'int64', shape: [], data: BigInt64Array.of(16_000n) } as const
  const selfTest = await makeSelfTest(runtime, [
    { dtype: 'float32', shape: [1, 512], seed: 1 },
    { dtype: 'float32', shape: [2, 1, 128], seed: 2 },
    rate,
  ])
  runtime.dispose()
  const manifest: RunnableManifest = {
    topology: model.topology,
    signature: {
      inputs: [
        { name: 'input', datatype: 'FP32', shape: [-1, -1] },
        { name: 'state', datatype: 'FP32', shape: [2, -1, 128] },
        { name: 'sr', datatype: 'INT64', shape: [] },
      ],
      outputs: [
        { name: 'output', datatype: 'FP32', shape: [-1, 1] },
        { name: 'stateN', datatype: 'FP32', shape: [-1, -1, -1] },
      ],
    },
    transforms: [],
    monitors: 'columns',
    labels: [],
    selfTest,
    requires: { runtime: 'onnx', shoal: '0.1.0' },
  }
  return { manifest, tensors: model.tensors }
}

async function listen(model: Model): Promise<number[]> {
  let state: ModelTensor = { dtype: 'float32', shape: [2, 1, 128], data: new Float32Array(256) }
  const heard: number[] = []
  for (const seed of [1, 2, 3]) {
    const input = Float32Array.from({ length: 512 }, (_, i) => 0.4 * Math.sin((i * seed) / 9))
    const { outputs } = await model.predict({ input, state, sr: 16_000 })
    heard.push(must(outputs['output'], 'output').data[0] as number)
    state = must(outputs['stateN'], 'a state')
  }
  return heard
}

test('[REG-32] in a browser: an ONNX model from IndexedDB in the worker, its next version, and the way back', async () => {
  const server = await staticServer()
  await server.publish(await silero(5))
  const spawn = () => new Worker(new URL('../../../workers/inference/main.ts', import.meta.url), { type: 'module' }) as WorkerLike
  const shoal = await createDevice({
    app: 'shapes',
    url: '',
    fetch: server.fetch,
    storage: idbStorage({ name: `imported-${Date.now()}` }),
    host: workerHost({ spawn, clock: systemClock, allowSoftware: false }),
    locks: webLocks(navigator.locks),
    retries: 0,
    consent: { statistics: false },
  })
  const model = await shoal.load('shapes')
  expect(model).toMatchObject({ version: 1, backend: 'wasm' })
  const first = await listen(model)
  await server.publish(await silero(6))
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
  expect(await listen(model)).not.toEqual(first)
  server.connect(false)
  expect(await model.rollback()).toBe(true)
  expect(await listen(model)).toEqual(first)
  await shoal.dispose()
}, 120_000)

test('[CMP-84] in a browser: onnxruntime answers on WebGPU what it answers on WASM', async () => {
  const kernel = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i) / 8)
  const model = source(
    writeOnnx({
      nodes: [
        { op: 'MatMul', inputs: ['x', 'kernel'], outputs: ['sum'] },
        { op: 'Sigmoid', inputs: ['sum'], outputs: ['y'] },
      ],
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', 64] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['batch', 64] }],
      weights: { kernel: { dtype: 'float32', shape: [64, 64], data: kernel } },
    }),
  )
  const wasm = await loadRuntime(model, 'wasm', { onnx: { wasm: onnxWasm } })
  const made = await makeSelfTest(wasm, [{ dtype: 'float32', shape: [3, 64], seed: 5 }])
  wasm.dispose()
  await expect(loadRuntime(model, 'webgpu', { onnx })).rejects.toMatchObject({
    code: 'no_backend',
    detail: expect.stringContaining('software'),
  })
  const webgpu = await loadRuntime(model, 'webgpu', { onnx, allowSoftware: true })
  expect(await runSelfTest(webgpu, made)).toMatchObject({ ok: true })
  webgpu.dispose()
}, 120_000)
