import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../shared/core/clock.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { fail, ok } from '../../../shared/core/result.ts'
import type { Runtime } from '../../../shared/compute/runtime.ts'
import { startBackend, useBackend, computeFingerprint } from '../../../shared/compute/backends.ts'
import { linear } from '../../../shared/compute/architectures.ts'
import { buildModel, getWeights } from '../../../shared/compute/model.ts'
import { checkParity } from '../../../shared/compute/parity.ts'
import { chooseRuntime, type ChooseOptions } from '../../../shared/compute/choose-runtime.ts'
import * as core from '@tensorflow/tfjs-core'
import { wasmPath } from './node-backend.ts'

const held: Runtime[] = []
afterEach(() => {
  for (const runtime of held.splice(0)) runtime.dispose()
})

async function choose<Proof>(options: ChooseOptions<Proof>) {
  const chosen = await chooseRuntime(options)
  held.push(chosen.runtime)
  return chosen
}

/** Time that moves only while a prediction runs: by the next of these milliseconds, the last for ever, candidate after candidate in turns of two. */
function clockThatRuns(steps: readonly number[]): Clock {
  let [now, reads] = [0, 0]
  return {
    ...systemClock,
    monotonic() {
      const run = reads++ >> 1
      if (reads % 2 === 0) now += (run < steps.length ? steps[run] : steps[run % 2 === 0 ? 0 : steps.length - 1]) ?? 0
      return now
    },
  }
}

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
    const { choice } = await choose({ model: await someModel(), candidates: ['wasm', 'cpu'], wasmPath })
    expect(choice.backend).toBe('cpu')
    expect(choice.skipped.wasm).toMatch(/away from the CPU/)
  } finally {
    core.unregisterKernel('Relu', 'wasm')
    core.registerKernel(right)
  }
})

test('[CMP-3] chooses by measurement, gives the timings, and tells why others are out', async () => {
  const { choice } = await choose({
    model: await someModel(),
    wasmPath,
    candidates: ['webgpu', 'wasm', 'cpu'],
    clock: clockThatRuns([3, 2, 5, 3]),
  })
  const medians = Object.values(choice.timings).map(({ median }) => median)
  expect(Object.keys(choice.timings).sort()).toEqual(['cpu', 'wasm'])
  expect(choice.timings[choice.candidate]?.median).toBe(Math.min(...medians))
  expect(choice.skipped).toEqual({ webgpu: 'there is no WebGPU adapter' })
  expect(choice.why).toContain('not used: webgpu: there is no WebGPU adapter')
})

test('[CMP-3] takes a remembered choice without measuring, and another when it no longer works', async () => {
  const model = await someModel()
  const { choice: before } = await choose({ model, wasmPath, candidates: ['wasm'] })
  const { choice: again } = await choose({ model, wasmPath, remembered: before })
  expect(again).toEqual({ ...before, remembered: true })
  const gone = { ...before, candidate: 'webgpu' as const }
  const { choice } = await choose({ model, candidates: ['webgpu', 'cpu'], remembered: gone })
  expect(choice).toMatchObject({ backend: 'cpu', remembered: false, skipped: { webgpu: 'there is no WebGPU adapter' } })
})

test('[CMP-61] what runs now stays unless another is faster by a tenth; what is excluded is not started', async () => {
  const model = await someModel()
  const clock = clockThatRuns([10, 10, 9.5, 9.5])
  const kept = await choose({ model, wasmPath, candidates: ['wasm', 'cpu'], incumbent: 'wasm', clock })
  expect(kept.choice).toMatchObject({ candidate: 'wasm', timings: { wasm: { median: 10 } } })
  const moved = await choose({ model, wasmPath, candidates: ['wasm', 'cpu'], incumbent: 'wasm', clock: clockThatRuns([4, 4, 3, 3]) })
  expect(moved.choice).toMatchObject({ candidate: 'cpu', timings: { wasm: { median: 4 }, cpu: { median: 3 } } })
  const { choice } = await choose({ model, wasmPath, candidates: ['wasm', 'cpu'], excluded: { wasm: 'not today' } })
  expect(choice).toMatchObject({ candidate: 'cpu', skipped: { wasm: 'not today' } })
})

test('[CMP-61] a candidate is timed on the inputs given, and plain JavaScript not at all beside one that takes long', async () => {
  const model = await someModel()
  const { choice } = await choose({ model, wasmPath, candidates: ['wasm', 'cpu'], clock: clockThatRuns([80]) })
  expect(choice).toMatchObject({ candidate: 'wasm', timings: { wasm: { first: 80, median: 80 } }, skipped: { cpu: expect.any(String) } })
  const wrong = { dtype: 'float32' as const, shape: [1, 7], data: new Float32Array(7) }
  await expect(choose({ model, wasmPath, candidates: ['wasm'], inputs: [wrong] })).rejects.toMatchObject({ code: 'shape_mismatch' })
})

test('[CMP-61] one that fails its proof is passed over; when all do, that is what is told', async () => {
  const model = await someModel()
  const bad = new AppError('self_test_failed', 'not like this')
  const onCpu = await choose({
    model,
    wasmPath,
    candidates: ['wasm', 'cpu'],
    prove: async ({ backend }) => (backend === 'cpu' ? ok(1) : fail(bad)),
  })
  expect(onCpu).toMatchObject({ proof: 1, choice: { candidate: 'cpu', skipped: { wasm: 'not like this' } } })
  await expect(choose({ model, wasmPath, candidates: ['wasm', 'cpu'], prove: async () => fail(bad) })).rejects.toMatchObject({
    code: 'self_test_failed',
  })
})

test('[CMP-3] when nothing works, the failure holds every reason', async () => {
  const model = await someModel()
  await expect(choose({ model, candidates: ['webgpu'] })).rejects.toMatchObject({
    code: 'no_backend',
    detail: expect.stringContaining('no WebGPU adapter'),
  })
  const broken = { ...model, tensors: {} }
  await expect(choose({ model: broken, candidates: ['webgpu', 'cpu'] })).rejects.toMatchObject({
    code: 'shape_mismatch',
    detail: expect.stringMatching(/WebGPU.*output\/kernel/),
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
