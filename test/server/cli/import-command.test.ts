import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const sent: unknown[] = []
let world: CliWorld
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-import-'))
  world = await createCliWorld({
    'versions.import': async ({ params, body }) => {
      sent.push({ ...params, ...body })
      return {
        runtime: 'onnx',
        description: 'ONNX, opset 16, by hand',
        signature: {
          inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 512] }],
          outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 1] }],
        },
        version: {
          model: params.model as Slug,
          version: 3,
          manifest: 'a'.repeat(64) as never,
          parent: 2,
          created: 0,
          bytes: 2_327_524,
          metrics: {},
          run: null,
          notes: '',
          revoked: null,
          aliases: [],
        },
      }
    },
  })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

test('[CLI-30] a model file is uploaded and registered; inputs, outputs and the next step are told', async () => {
  const path = await file('vad.onnx', utf8('not really'))
  const labels = await file('labels.txt', 'speech\nsilence\n')
  const words = ['models', 'import', 'vad', path, '--labels', labels, '--example', '{"input":{"shape":[1,512]}}', '--notes', 'new']
  const { code, out } = await world.run(words)
  expect(code).toBe(0)
  expect(out).toContain('vad 3')
  expect(out).toContain('input FP32[?,512]')
  expect(out).toContain('npx shoal alias vad stable 3')
  expect(sent.at(-1)).toMatchObject({
    model: 'vad',
    files: [{ name: 'vad.onnx' }],
    labels: ['speech', 'silence'],
    example: { input: { shape: [1, 512] } },
    notes: 'new',
  })
  expect(world.requests.filter((request) => request.startsWith('PUT') && request.includes('/v1/blobs/'))).toHaveLength(1)
})

test('[CLI-30] the weight files beside a model.json are found, also through its folder', async () => {
  const weightsManifest = [{ paths: ['shard1.bin', 'shard2.bin'], weights: [] }]
  const path = await file('model.json', JSON.stringify({ modelTopology: {}, weightsManifest }))
  await file('shard1.bin', utf8('1'))
  await file('shard2.bin', utf8('2'))
  for (const named of [path, folder]) {
    expect((await world.run(['models', 'import', 'pitch', named])).code).toBe(0)
    expect(sent.at(-1)).toMatchObject({ files: [{ name: 'model.json' }, { name: 'shard1.bin' }, { name: 'shard2.bin' }] })
  }
})

test('[CLI-30] files that cannot be read, are too large or miss a part, and examples that are none, send nothing', async () => {
  const before = world.requests.length
  const huge = await file('huge.onnx', '')
  await truncate(huge, 256 * 1024 * 1024 + 1)
  const lonely = await file('lonely.json', JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths: ['gone.bin'], weights: [] }] }))
  const fine = await file('fine.onnx', 'x')
  const cases: [string[], number, string][] = [
    [[join(folder, 'nowhere.onnx')], 1, 'not_found'],
    [[huge], 1, 'body_too_large'],
    [[lonely], 1, 'gone.bin'],
    [[fine, '--example', '{broken'], 2, 'not JSON'],
    [[fine, '--example', '{"input":[1,512]}'], 2, 'shape or data'],
    [[fine, '--labels', join(folder, 'nowhere.txt')], 1, 'not_found'],
  ]
  for (const [words, code, said] of cases) {
    const printed = await world.run(['models', 'import', 'x', ...words])
    expect([printed.code, printed.err]).toEqual([code, expect.stringContaining(said)])
  }
  expect(world.requests.length).toBe(before)
})
