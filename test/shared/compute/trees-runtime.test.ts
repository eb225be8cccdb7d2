import { expect, test } from 'vitest'
import { memoryInUse } from '../../../shared/compute/backends.ts'
import { chooseRuntime } from '../../../shared/compute/choose-runtime.ts'
import { loadRuntime, type RuntimeModel } from '../../../shared/compute/load-runtime.ts'
import { rememberedChoice } from '../../../shared/compute/remembered-choice.ts'
import { makeSelfTest, runSelfTest } from '../../../shared/compute/self-test.ts'
import { getBackend } from '../../../shared/compute/tf.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import type { ModelTensor } from '../../../shared/tensor/model-tensor.ts'
import { encodeForest } from '../../../shared/trees/forest-file.ts'
import { predictForest } from '../../../shared/trees/predict-forest.ts'
import { createInferenceService } from '../../../shared/worker/inference-service.ts'
import { goldenVersion } from '../trees/golden-forests.ts'
import { randomForest, rowsFor } from '../trees/random-forest.ts'

const forest = randomForest(7, 'softmax')
const model: RuntimeModel = { format: 'trees', ...encodeForest(forest) }
const rows: ModelTensor = { dtype: 'float32', shape: [4, 5], data: rowsFor(forest, 4, seededRandom(1)) }

test('[CMP-119] trees are chosen for the CPU without a backend being started or timed; every other candidate says why it is none', async () => {
  const seen: string[] = []
  const { runtime, choice } = await chooseRuntime({
    model,
    wasmPath: '/nowhere.wasm',
    prove: async (tried) => {
      seen.push(tried.backend)
      return runSelfTest(tried, await makeSelfTest(tried, [rows]))
    },
  })
  expect(choice).toMatchObject({ candidate: 'cpu', engine: 'trees', backend: 'cpu' })
  expect(seen).toEqual(['cpu'])
  const why = expect.stringMatching(/trees are walked in plain JavaScript/) as string
  expect(choice.skipped).toEqual({ webgpu: why, wasm: why, plan: why })
  expect(rememberedChoice.parse({ choice, fingerprint: 'x' }).choice).toEqual(choice)
  expect(getBackend()).toBeFalsy()
  expect(memoryInUse()).toEqual({ tensors: 0, bytes: 0 })
  const [answer] = await runtime.predict([rows])
  expect(answer).toEqual({ dtype: 'float32', shape: [4, 3], data: predictForest(forest, rows.data as Float32Array, 4) })
  runtime.dispose()
  const again = await chooseRuntime({ model, remembered: choice })
  expect(again.choice).toMatchObject({ candidate: 'cpu', remembered: true })
  again.runtime.dispose()
  for (const candidate of ['webgpu', 'wasm', 'plan'] as const)
    await expect(loadRuntime(model, candidate)).rejects.toMatchObject({ code: 'no_backend', detail: why })
  await expect(chooseRuntime({ model, candidates: ['webgpu', 'wasm'] })).rejects.toMatchObject({ code: 'no_backend', detail: why })
})

test('[CMP-119] trees answer behind the same runtime: inputs are checked, memory is told, and what is disposed of refuses', async () => {
  const runtime = await loadRuntime(model, 'cpu')
  expect(runtime).toMatchObject({ inputs: [{ shape: [null, 5] }], outputs: [{ shape: [null, 3] }] })
  expect(runtime.memory().bytes).toBeGreaterThan(forest.feature.byteLength)
  await expect(runtime.predict([{ ...rows, shape: [5, 4] }])).rejects.toMatchObject({ code: 'shape_mismatch' })
  const data = Float32Array.of(1, 2, Number.NaN, 4, 5)
  await expect(runtime.predict([{ dtype: 'float32', shape: [1, 5], data }])).rejects.toMatchObject({ code: 'invalid_input' })
  runtime.dispose()
  expect(runtime.memory()).toEqual({ tensors: 0, bytes: 0 })
  await expect(runtime.predict([rows])).rejects.toMatchObject({ code: 'conflict' })
  const huge = { ...forest, answer: 'number' as const, classes: 0, base: Float32Array.of(3e38), value: forest.value.map(() => 3e38) }
  const overflowing = await loadRuntime({ format: 'trees', ...encodeForest(huge) }, 'cpu')
  await expect(overflowing.predict([rows])).rejects.toMatchObject({ code: 'output_not_finite' })
  overflowing.dispose()
  await expect(loadRuntime({ ...model, topology: { kind: 'trees' } }, 'cpu')).rejects.toMatchObject({ code: 'invalid_document' })
})

test('[CMP-119] whoever runs models counts the memory of trees with the rest', async () => {
  const service = createInferenceService({})
  const { manifest, tensors } = await goldenVersion('number')
  const { handle } = await service.load({ manifest, tensors })
  const other = await service.load({ manifest, tensors })
  const both = await service.memory()
  await service.unload(handle)
  const one = await service.memory()
  expect(one).toEqual({ tensors: 1, bytes: both.bytes / 2 })
  expect(one.bytes).toBeGreaterThan(0)
  await service.unload(other.handle)
  expect(await service.memory()).toEqual({ tensors: 0, bytes: 0 })
})
