import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Handlers } from '../../../server/http/register.ts'
import type { ModelCard } from '../../../shared/contract/model-card.ts'
import type { TrialSummary } from '../../../shared/contract/trials.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { newId, type Slug } from '../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const run = newId('run', cryptoRandom)
const card: ModelCard = {
  schemaVersion: 1,
  model: {
    name: 'plants' as Slug,
    description: 'roses',
    version: 2,
    created: Date.UTC(2026, 0, 1),
    parent: 1,
    aliases: ['stable' as Slug],
    revoked: null,
    manifest: 'ab'.repeat(32) as Sha256,
    bytes: 1000,
    parameters: 42,
    layers: ['Dense'],
    inputs: ['width'],
    labels: ['rose', 'tulip'],
    notes: '',
  },
  training: null,
  evaluation: null,
  validation: null,
  runtime: { blessed: true, userAgent: null, outcomes: [{ target: 'node', ok: true, why: 'loads' }] },
  tests: [
    {
      kind: 'load',
      at: Date.UTC(2026, 0, 2),
      by: 'ci',
      ok: true,
      checks: [{ check: 'p99', ok: true, what: '20 ms' }],
      figures: { p99Ms: 20 },
    },
  ],
  promised: { errorRate: 0.1, latencyCeilingMs: 1000 },
  limitations: ['It was tested on 90 rows only: see the intervals.'],
}
const trial = (number: number, more: Partial<TrialSummary>): TrialSummary => ({
  run,
  pipeline: 'plants' as Slug,
  step: newId('step', cryptoRandom),
  number,
  params: { 'learningRate.rate': 0.01 },
  state: 'complete',
  rungs: [{ epochs: 9, score: 0.9, metrics: {} }],
  score: 0.9,
  error: null,
  at: 1,
  ...more,
})
const asked: unknown[] = []
const handlers: Handlers = {
  'versions.card': async () => card,
  'versions.card-page': async () => new Response('<!doctype html><title>plants</title>', { headers: { 'content-type': 'text/html' } }),
  'trials.list': async ({ query }) => {
    asked.push(query)
    return { items: [trial(4, {}), trial(1, { state: 'failed', score: null, rungs: [], error: 'training_diverged: NaN' })], next: null }
  },
}

let world: CliWorld
let folder: string
beforeAll(async () => {
  world = await createCliWorld(handlers)
  folder = await mkdtemp(join(tmpdir(), 'shoal-card-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

test('[CLI-65] `models card` tells the card, as JSON the whole of it, and writes it as a page', async () => {
  const told = await world.run('models card plants 2')
  expect(told).toMatchObject({ code: 0, err: '' })
  expect(told.out).toMatch(/answers +rose, tulip/)
  expect(told.out).toMatch(/tests +load passed/)
  expect(told.out).toContain('- It was tested on 90 rows only')
  expect(JSON.parse((await world.run('models card plants 2 --json')).out)).toEqual(card)
  const file = join(folder, 'card.html')
  expect(await world.run(['models', 'card', 'plants', '2', '--out', file])).toMatchObject({ code: 0, out: '', err: `wrote ${file}\n` })
  expect(await readFile(file, 'utf8')).toMatch(/^<!doctype html>/)
  expect(await world.run(['models', 'card', 'plants', '2', '--out', join(folder, 'no', 'where.html')])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/cannot be written/),
  })
  expect(await world.run('models card plants two')).toMatchObject({ code: 2 })
})

test('[CLI-66] `trials` lists trials best first, by run, pipeline and comparisons', async () => {
  const { out, code } = await world.run(['trials', '--pipeline', 'plants', '--where', 'score > 0.5', '--limit', '5'])
  expect(code).toBe(0)
  expect(out).toMatch(/0\.9000\t5\tcomplete\t9/)
  expect(out).toMatch(/-\t2\tfailed\t-.*training_diverged: NaN/)
  expect(asked.at(-1)).toMatchObject({ pipeline: 'plants', where: 'score > 0.5', limit: 5 })
})
