import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PredictionId, Slug } from '../../../shared/core/ids.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const sent: unknown[] = []
let world: CliWorld
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-predict-'))
  world = await createCliWorld({
    'models.predict': async ({ params, body }) => {
      sent.push({ ...params, ...body })
      if (params.model === 'kilometres') {
        const one = { id: 'pre_00000000000000000000' as PredictionId, label: '', confidence: 0, probabilities: [] }
        const outputs = [{ name: 'kilometres', datatype: 'FP32' as const, shape: [1, 1], data: [482.8032] }]
        return { model: params.model, version: 3, backend: 'wasm', labels: [], predictions: body.inputs.map(() => ({ ...one, outputs })) }
      }
      const predictions = body.inputs.map(() => ({
        id: 'pre_00000000000000000000' as PredictionId,
        label: '7',
        confidence: 0.98765,
        probabilities: [0.01235, 0.98765],
      }))
      return { model: 'digits' as Slug, version: body.version ?? 3, backend: 'wasm', labels: ['1', '7'], predictions }
    },
  })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

async function file(value: unknown): Promise<string> {
  const path = join(folder, 'examples.json')
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}
const image = { shape: [1, 2], data: 'AAE=' }

test('[CLI-11] the examples of a file are answered, one line each, by the version or the alias that is named', async () => {
  const path = await file([image, { width: 2, colour: 'red' }])
  const { code, out } = await world.run(`predict digits ${path} --version 2`)
  expect([code, out]).toEqual([0, 'EXAMPLE\tLABEL\tCONFIDENCE\tVERSION\n1\t7\t0.9877\t2\n2\t7\t0.9877\t2\n'])
  await world.run(`predict digits ${await file(image)} --alias beta`)
  expect(sent.splice(0)).toEqual([
    { model: 'digits', inputs: [image, { width: 2, colour: 'red' }], version: 2 },
    { model: 'digits', inputs: [image], alias: 'beta' },
  ])
})

test('[CLI-11] a model that answers with a number shows it, one line for each example', async () => {
  const { out } = await world.run(`predict kilometres ${await file([{ distance: 300 }])}`)
  expect(out).toBe('EXAMPLE\tOUTPUT\tSHAPE\tVALUES\tVERSION\n1\tkilometres\tFP32[1,1]\t482.803\t3\n')
  sent.splice(0)
})

test('[CLI-11] as JSON with --json, probabilities and all', async () => {
  const { out } = await world.run(`predict digits --json ${await file(image)}`)
  expect(JSON.parse(out)).toMatchObject({ version: 3, backend: 'wasm', predictions: [{ label: '7', probabilities: [0.01235, 0.98765] }] })
})

test('[CLI-11] a file that holds no examples is a coded failure, and nothing is sent', async () => {
  const before = world.requests.length
  const fails = async (path: string) => (await world.run(`predict digits ${path}`)).err
  expect(await fails(join(folder, 'absent.json'))).toContain('not_found')
  expect(await fails(await file('{'))).toContain('malformed_json')
  expect(await fails(await file([image, 7]))).toMatch(/invalid_input.*at 1 /)
  expect(await world.run(`predict digits ${await file(image)} --alias beta --version 2`)).toMatchObject({ code: 2 })
  expect(world.requests.length).toBe(before)
})
