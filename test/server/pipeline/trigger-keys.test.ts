import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunId, Slug } from '../../../shared/core/ids.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { constant } from './step-kinds.ts'

const pipeline = definePipeline({
  name: 'eager',
  description: '',
  model: 'm',
  dataset: 'd',
  steps: { one: step(constant, { params: { value: 1 } }) },
  triggers: {
    demand: { enabled: true, settings: {} },
    'new-data': { enabled: true, settings: { minSpans: 1 } },
    schedule: { enabled: false, settings: { cron: '0 3 * * *' } },
  },
})
const where = { params: { pipeline: 'eager' as Slug } }

let bench: PipelineBench
beforeAll(async () => {
  bench = await createBench({ pipelines: [pipeline] })
  await bench.api('datasets.create', { body: { name: 'd' as Slug } })
})
afterAll(() => bench.close())

const start = (dedupeKey?: string) =>
  bench.api('runs.start', { ...where, body: { reason: 'test', ...(dedupeKey === undefined ? {} : { dedupeKey }) } })
const set = (kind: 'demand' | 'new-data' | 'schedule' | 'drift', enabled: boolean, settings?: Record<string, never> | object) =>
  bench.api('triggers.set', {
    params: { pipeline: 'eager' as Slug, kind },
    body: { enabled, ...(settings === undefined ? {} : { settings: settings as never }) },
  })
const decisions = async (kind: 'demand' | 'new-data' | 'schedule') =>
  (await bench.api('pipelines.decisions', { ...where, query: { kind } })).items

describe('one run for one key', () => {
  test('[PIP-103] asked for many times at once, and again later, one key has one run', async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, () => start('nightly')))
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1)
    await bench.pipelines.idle()
    expect((await start('nightly')).id).toBe(runs[0]?.id as RunId)
    expect((await start('other')).id).not.toBe(runs[0]?.id as RunId)
    await bench.pipelines.idle()
    expect((await decisions('demand')).filter(({ fired }) => fired)).toHaveLength(2)
  })

  test('[PIP-103] considered by several servers at once, new data has one run', async () => {
    const others = await Promise.all(Array.from({ length: 3 }, () => createBench({ folder: bench.folder, pipelines: [pipeline] })))
    await bench.datasets.upload('d' as Slug, { data: new Blob(['id,x\n1,1\n']).stream(), type: 'text/csv', source: 'test' })
    await Promise.all([bench, ...others].map(({ pipelines }) => pipelines.tick()))
    await Promise.all([bench, ...others].map(({ pipelines }) => pipelines.idle()))
    const started = (await bench.api('runs.list', { query: {} })).items.filter(({ trigger }) => trigger.kind === 'new-data')
    expect(started).toHaveLength(1)
    for (const other of others) await other.close()
  })

  test('[PIP-103] killed at any moment around its start, at the next start there is one run and one decision that fired', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-keys-'))
    const server = fileURLToPath(new URL('./trigger-server.ts', import.meta.url))
    /** Kills the server after so many of its lines; without a number it may end. */
    const live = async (lines: number): Promise<void> => {
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', server, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
      let seen = 0
      for await (const _ of createInterface({ input: child.stdout }))
        if (++seen >= lines) {
          child.kill('SIGKILL')
          break
        }
      await ended
    }
    for (const lines of [1, 2, 3, Number.POSITIVE_INFINITY]) await live(lines)
    const db = new DatabaseSync(join(folder, 'shoal.db'))
    expect(db.prepare('select dedupe_key, state from runs').all()).toEqual([{ dedupe_key: 'eager:new-data:span:1', state: 'succeeded' }])
    expect(db.prepare('select code, run is not null as started from trigger_decisions where fired = 1').all()).toEqual([
      { code: 'fired', started: 1 },
    ])
    db.close()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)
})

describe('triggers through the API', () => {
  test('[PIP-104] a test says what would happen now and why, starts nothing and keeps nothing', async () => {
    const before = [(await bench.api('runs.list', { query: {} })).items, await decisions('schedule')]
    const ask = (kind: 'schedule' | 'new-data' | 'demand', settings?: object) =>
      bench.api('triggers.test', {
        params: { pipeline: 'eager' as Slug, kind },
        body: settings === undefined ? {} : { settings: settings as never },
      })
    const schedule = await ask('schedule')
    expect(schedule).toMatchObject({ fires: false, why: expect.stringMatching(/; but the trigger is off$/) as string })
    expect(schedule.next).toHaveLength(5)
    expect(new Date(schedule.next[0] ?? 0).toISOString()).toMatch(/T03:00:00.000Z$/)
    expect(await ask('new-data')).toMatchObject({ fires: false, code: 'too-little', facts: { newSpans: 0 } })
    expect(await ask('demand')).toMatchObject({ fires: true, dedupeKey: null })
    await expect(ask('schedule', { cron: 'sometimes' })).rejects.toMatchObject({ code: 'invalid_input' })
    expect([(await bench.api('runs.list', { query: {} })).items, await decisions('schedule')]).toEqual(before)
  })

  test('[PIP-105] on demand heeds its switch and its budget; each no is a conflict that says why, and is kept', async () => {
    await set('demand', false)
    await expect(start()).rejects.toMatchObject({ code: 'conflict', detail: expect.stringContaining('is off') as string })
    expect((await decisions('demand'))[0]).toMatchObject({ code: 'off', fired: false })
    await set('demand', true, { budget: { runs: 1, periodMs: 60_000_000 } })
    await expect(start()).rejects.toMatchObject({ code: 'conflict', detail: expect.stringContaining('budget is spent') as string })
    await set('demand', true, {})
    expect(await start()).toMatchObject({ state: expect.stringMatching(/queued|running/) as string })
    await bench.pipelines.idle()
  })

  test('[PIP-106] a kind that the definition does not name can be added; settings that do not fit leave everything as it was', async () => {
    await set('drift', true, { minExamples: 5 })
    await expect(set('drift', true, { minExamples: -1 })).rejects.toMatchObject({
      code: 'invalid_input',
      issues: [{ where: 'settings.minExamples' }],
    })
    await expect(set('drift', true, { budget: { periodMs: 60_000 } })).rejects.toMatchObject({ code: 'invalid_input' })
    const { triggers } = await bench.api('pipelines.get', where)
    expect(triggers.find(({ kind }) => kind === 'drift')).toMatchObject({ enabled: true, settings: { minExamples: 5 } })
  })

  test('[PIP-107] a trigger whose parameters its pipeline does not take says so, and starts nothing', async () => {
    const before = (await bench.api('runs.list', { query: {} })).items.length
    await set('new-data', true, { minSpans: 1, params: { nonsense: 1 } })
    await bench.datasets.upload('d' as Slug, { data: new Blob(['id,x\n2,2\n']).stream(), type: 'text/csv', source: 'test' })
    await bench.pipelines.idle()
    expect((await decisions('new-data'))[0]).toMatchObject({
      fired: false,
      code: 'invalid_input',
      why: expect.stringContaining('nonsense') as string,
    })
    expect((await bench.api('runs.list', { query: {} })).items).toHaveLength(before)
  })
})
