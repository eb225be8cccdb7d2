import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { expect, test } from 'vitest'
import { cnn } from '../../../shared/compute/architectures.ts'
import { computeFingerprint, memoryInUse, startBackend } from '../../../shared/compute/backends.ts'
import { affine } from '../../../shared/compute/examples.ts'
import { getWeights } from '../../../shared/compute/model.ts'
import { checkParity } from '../../../shared/compute/parity.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { chooseRuntime } from '../../../shared/compute/choose-runtime.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { trainModel } from '../../../shared/compute/train.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { makeTensor } from '../../../shared/tensor/tensor.ts'
import { forgetPageDevice } from './page-device.ts'
import { quarters } from './shapes-data.ts'

const topology = cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 4, kernel: 3, stride: 2 }], hidden: [8] })
const options = { wasmPath, allowSoftware: true }
const image = () => makeTensor('float32', [2, 8, 8, 1], new Float32Array(128).fill(0.3))

async function someModel() {
  unwrap(await startBackend('cpu'))
  const model = await buildSeededModel(topology, 4)
  const tensors = await getWeights(model)
  model.dispose()
  return { topology, tensors }
}

test('[CMP-3] a software adapter counts as no GPU, unless it is allowed', async () => {
  await forgetPageDevice()
  expect(await startBackend('webgpu', { wasmPath })).toMatchObject({
    ok: false,
    error: { code: 'no_backend', detail: expect.stringContaining('software') },
  })
  const { choice, runtime } = await chooseRuntime({ model: await someModel(), wasmPath })
  runtime.dispose()
  expect(['wasm', 'cpu']).toContain(choice.backend)
  expect(choice.skipped.webgpu).toContain('software')
})

test.each(['wasm', 'webgpu'] as const)('[CMP-2] %s proves itself in a browser', async (backend) => {
  const parity = unwrap(await checkParity(backend, options))
  expect(parity.distance).toBeLessThan(1e-5)
})

test.each(['wasm', 'webgpu'] as const)('[CMP-11] %s reproduces what the CPU backend answered, and frees what it held', async (backend) => {
  const model = await someModel()
  const cpu = await loadRuntime(model, 'cpu')
  const selfTest = await makeSelfTest(cpu, [image()])
  cpu.dispose()
  const before = memoryInUse()
  const runtime = await loadRuntime(model, backend, options)
  expect(await runSelfTest(runtime, selfTest)).toMatchObject({ ok: true })
  runtime.dispose()
  expect(memoryInUse().tensors).toBe(before.tensors)
})

test.each(['wasm', 'webgpu'] as const)('[CMP-8] %s trains in a browser', async (backend) => {
  unwrap(await startBackend(backend, options))
  const data = quarters(backend === 'wasm' ? 600 : 64, 1)
  const { history } = await trainModel({
    topology,
    ...data,
    transform: affine(1 / 255),
    epochs: 3,
    batchSize: 32,
    optimizer: { kind: 'adam' },
    learningRate: { kind: 'constant', rate: 0.01 },
    seed: 1,
    engineChoice: 'tfjs',
  })
  expect(history[2]?.loss).toBeLessThan(history[0]?.loss ?? 0)
})

test('[CMP-3] chooses among all backends by measurement', async () => {
  const { choice, runtime } = await chooseRuntime({ model: await someModel(), ...options })
  runtime.dispose()
  expect(Object.keys(choice.timings).sort()).toEqual(expect.arrayContaining(['cpu', 'wasm', 'webgpu']))
  expect(await computeFingerprint()).toMatch(/^tfjs 4\.22\.0; gpu .*swiftshader; Mozilla/)
})
