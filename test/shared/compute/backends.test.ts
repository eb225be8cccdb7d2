import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { startBackend, useBackend, computeFingerprint } from '../../../shared/compute/backends.ts'
import { linear } from '../../../shared/compute/architectures.ts'
import { buildModel, getWeights } from '../../../shared/compute/model.ts'
import { checkParity } from '../../../shared/compute/parity.ts'
import { selectBackend } from '../../../shared/compute/select-backend.ts'
import * as core from '@tensorflow/tfjs-core'
import { wasmPath } from './node-backend.ts'

async function someModel() {
  const topology = linear({ inputShape: [6], classes: 3 })
  await startBackend('cpu')
  const built = await buildModel(topology)
  const tensors = await getWeights(built)
  built.dispose()
  return { topology, tensors }
}

test('[CMP-2] says why a backend does not start', async () => {
  const webgpu = await startBackend('webgpu')
  expect(webgpu).toMatchObject({ ok: false, error: { code: 'no_backend', detail: 'there is no WebGPU adapter' } })
  expect(await startBackend('wasm')).toMatchObject({
    ok: false,
    error: { code: 'no_backend', detail: expect.stringContaining('wasmPath') },
  })
  expect(() => useBackend('webgpu')).toThrow(expect.objectContaining({ code: 'no_backend' }))
})

test('[CMP-2] leaves no hooks on the Node process', async () => {
  const hooks = () => ['uncaughtException', 'unhandledRejection'].map((event) => process.listeners(event as 'uncaughtException').length)
  const before = hooks()
  expect(await startBackend('wasm', { wasmPath })).toMatchObject({ ok: true })
  expect(hooks()).toEqual(before)
})

test('[CMP-2] WASM proves itself against the CPU backend in forward, gradients and a step', async () => {
  const parity = await checkParity('wasm', { wasmPath })
  expect(parity).toMatchObject({ ok: true })
  if (parity.ok) expect(parity.value.distance).toBeLessThan(1e-6)
})

test('[CMP-2] a backend that computes wrongly is not used, and says what is wrong', async () => {
  await startBackend('wasm', { wasmPath })
  const right = core.getKernel('Relu', 'wasm')
  core.unregisterKernel('Relu', 'wasm')
  core.registerKernel({ ...right, kernelFunc: (args) => core.getKernel('Abs', 'wasm').kernelFunc(args) })
  try {
    const parity = await checkParity('wasm', { wasmPath })
    expect(parity).toMatchObject({
      ok: false,
      error: { code: 'no_backend', detail: expect.stringMatching(/^wasm computes a .* away from the CPU/) },
    })
    const choice = await selectBackend({ model: await someModel(), candidates: ['wasm', 'cpu'], wasmPath, remembered: 'wasm' })
    expect(choice.backend).toBe('cpu')
    expect(choice.skipped.wasm).toMatch(/away from the CPU/)
  } finally {
    core.unregisterKernel('Relu', 'wasm')
    core.registerKernel(right)
  }
})

test('[CMP-3] chooses by measurement, gives the timings, and tells why others are out', async () => {
  const choice = await selectBackend({ model: await someModel(), wasmPath })
  const medians = Object.values(choice.timings).map(({ median }) => median)
  expect(Object.keys(choice.timings).sort()).toEqual(['cpu', 'wasm'])
  expect(choice.timings[choice.backend]?.median).toBe(Math.min(...medians))
  expect(choice.skipped).toEqual({ webgpu: 'there is no WebGPU adapter' })
  expect(choice.why).toContain('not used: webgpu: there is no WebGPU adapter')
  expect(core.getBackend()).toBe(choice.backend)
})

test('[CMP-3] takes a remembered choice without measuring, and another when it no longer works', async () => {
  const model = await someModel()
  expect(await selectBackend({ model, wasmPath, remembered: 'wasm' })).toMatchObject({ backend: 'wasm', timings: {} })
  const choice = await selectBackend({ model, candidates: ['webgpu', 'cpu'], remembered: 'webgpu' })
  expect(choice).toMatchObject({ backend: 'cpu', skipped: { webgpu: 'there is no WebGPU adapter' } })
})

test('[CMP-3] when nothing works, the failure holds every reason', async () => {
  const model = await someModel()
  await expect(selectBackend({ model, candidates: ['webgpu'] })).rejects.toMatchObject({
    code: 'no_backend',
    detail: expect.stringContaining('no WebGPU adapter'),
  })
  const broken = { ...model, tensors: {} }
  await expect(selectBackend({ model: broken, candidates: ['cpu'] })).rejects.toMatchObject({
    code: 'no_backend',
    detail: expect.stringContaining('output/kernel'),
  })
})

test('[CMP-3] the fingerprint names runtime, adapter and host', async () => {
  expect(await computeFingerprint()).toBe(`tfjs 4.22.0; gpu none; ${process.version}`)
})

test('[CMP-2] works in a worker thread', async () => {
  const worker = new Worker(new URL('./parity-worker.ts', import.meta.url), { workerData: { wasmPath } })
  const parity = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await worker.terminate()
  expect(parity).toMatchObject({ ok: true })
})
