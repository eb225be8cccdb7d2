import wasmPath from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import { expect, test, vi } from 'vitest'
import { mlp } from '../../../shared/compute/architectures.ts'
import { lifeOf, memoryInUse, startBackend } from '../../../shared/compute/backends.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { getWeights } from '../../../shared/compute/model.ts'
import { buildSeededModel } from '../../../shared/compute/seeded-model.ts'
import { trainModel } from '../../../shared/compute/train.ts'
import { env } from '../../../shared/compute/tf.ts'
import { must } from '../../../shared/core/assert.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { makeTensor } from '../../../shared/tensor/tensor.ts'
import { pageDevice } from './page-device.ts'

const options = { wasmPath, allowSoftware: true }
const topology = mlp({ inputShape: [4], classes: 3, hidden: [5] })
const row = () => makeTensor('float32', [1, 4], new Float32Array([0.1, 0.2, 0.3, 0.4]))

async function someModel() {
  unwrap(await startBackend('cpu'))
  const model = await buildSeededModel(topology, 4)
  const tensors = await getWeights(model)
  model.dispose()
  return { topology, tensors }
}
const destroy = () => must(pageDevice(), 'a device').destroy()

test('[CMP-64] pipelines are compiled ahead, all of them, and zeros are never an answer', async () => {
  const model = await someModel()
  const runtime = await loadRuntime(model, 'webgpu', options)
  const sync = vi.spyOn(GPUDevice.prototype, 'createComputePipeline')
  const answers = await Promise.all([runtime.predict([row()]), runtime.predict([row()])])
  expect(sync).not.toHaveBeenCalled()
  sync.mockRestore()
  expect(env().getBool('WEBGPU_ENGINE_COMPILE_ONLY')).toBe(false)
  const cpu = await loadRuntime(model, 'cpu')
  const want = must((await cpu.predict([row()]))[0], 'an output')
  for (const [answer] of answers)
    for (const [i, value] of must(answer, 'an output').data.entries()) expect(value).toBeCloseTo(Number(want.data[i]), 5)
  runtime.dispose()
  cpu.dispose()
})

test('[CMP-63] a device that is lost in mid-answer rejects what waits; the next start is on a fresh one, and nothing is left behind', async () => {
  const model = await someModel()
  const before = memoryInUse().tensors
  const runtime = await loadRuntime(model, 'webgpu', options)
  const life = lifeOf('webgpu')
  const heard = new Promise((resolve) => runtime.life.onLost(resolve))
  const asked = [runtime.predict([row()]), runtime.predict([row()])].map((answer) =>
    answer.then(
      () => 'answered',
      ({ code }: { code: string }) => code,
    ),
  )
  destroy()
  expect(await heard).toMatchObject({ code: 'device_lost' })
  // what was computed before the loss may still have come through
  for (const end of asked) expect(['answered', 'device_lost']).toContain(await end)
  await expect(runtime.predict([row()])).rejects.toMatchObject({ code: 'device_lost' })
  runtime.dispose()

  const again = await loadRuntime(model, 'webgpu', options)
  expect(lifeOf('webgpu')).not.toBe(life)
  const cpu = await loadRuntime(model, 'cpu')
  const [got, want] = [must((await again.predict([row()]))[0], 'it'), must((await cpu.predict([row()]))[0], 'it')]
  for (const [i, value] of got.data.entries()) expect(value).toBeCloseTo(Number(want.data[i]), 5)
  again.dispose()
  cpu.dispose()
  expect(memoryInUse().tensors).toBe(before)
})

test('[CMP-63] a device that is lost in mid-training ends it with its code, and training can begin again', async () => {
  unwrap(await startBackend('webgpu', options))
  const before = memoryInUse().tensors
  const examples = { data: Float32Array.from({ length: 4 * 8 }, (_, i) => (i % 5) / 5), shape: [8, 4] }
  const train = (epochs: number, onProgress: () => void) =>
    lifeOf('webgpu').within(() =>
      trainModel({
        topology,
        examples,
        labels: Int32Array.from({ length: 8 }, (_, i) => i % 3),
        epochs,
        batchSize: 8,
        optimizer: { kind: 'sgd' },
        learningRate: { kind: 'constant', rate: 0.1 },
        seed: 1,
        // a plan would train on WASM, which has no device to lose
        engineChoice: 'tfjs',
        onProgress,
      }),
    )
  let steps = 0
  await expect(train(100_000, () => void (++steps === 3 && destroy()))).rejects.toMatchObject({ code: 'device_lost' })
  expect(steps).toBeLessThan(10)
  unwrap(await startBackend('webgpu', options))
  const { history } = await train(3, () => undefined)
  expect(history.length).toBe(3)
  expect(memoryInUse().tensors).toBe(before)
})
