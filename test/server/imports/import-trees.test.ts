import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeModel } from '../../../server/pipeline/data/model-file.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { slug } from '../../../shared/core/fields.ts'
import { predictForest } from '../../../shared/trees/predict-forest.ts'
import { encodeForest } from '../../../shared/trees/forest-file.ts'
import { randomForest } from '../../shared/trees/random-forest.ts'
import { createTestServer, type TestServer } from '../harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

async function importModel(bytes: Uint8Array<ArrayBuffer>) {
  const admin = server.client(server.keys.admin)
  const digest = createHash('sha256').update(bytes).digest('hex') as Sha256
  await admin('blob.put', { params: { digest }, body: bytes })
  return admin('versions.import', {
    params: { model: slug.parse('forest') },
    body: { files: [{ name: 'model.safetensors', digest }], labels: ['no', 'yes'] },
  })
}

test('[REG-30] trees in safetensors, as a pipeline writes them, become a version that answers; broken ones are refused with their place', async () => {
  const forest = randomForest(9, 'logistic')
  const parts = encodeForest(forest)
  const made = await importModel(encodeModel(parts))
  expect(made).toMatchObject({ runtime: 'trees', description: 'boosted trees in safetensors', version: { version: 1 } })
  const values = Float32Array.of(0.5, -1, 0.25, 1.5, -0.75)
  const { predictions } = await server.client(server.keys.admin)('models.predict', {
    params: { model: slug.parse('forest') },
    body: { inputs: [{ tensors: { input: { data: [...values] } } }], version: 1 },
  })
  expect(predictions[0]?.probabilities).toEqual([...predictForest(forest, values, 1)])
  const { 'trees/skip': skip, ...others } = parts.tensors
  const broken = encodeModel({
    topology: parts.topology,
    tensors: {
      ...others,
      'trees/skip': { dtype: 'int32', shape: skip?.shape ?? [], data: Int32Array.from(skip?.data ?? [], () => 2 ** 30) },
    },
  })
  await expect(importModel(broken)).rejects.toMatchObject({ code: 'invalid_document', detail: expect.stringMatching(/trees\/skip/) })
})
