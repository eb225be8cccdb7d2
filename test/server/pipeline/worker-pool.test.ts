import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../../shared/core/clock.ts'
import type { RunId, Slug, StepId } from '../../../shared/core/ids.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { runStepProcess, type StepOutcome } from '../../../server/pipeline/step-process.ts'
import { createWorkerPool, type WorkerPool } from '../../../server/pipeline/worker-pool.ts'
import { type BlobStore, createFsBlobs } from '../../../server/storage/blob-store.ts'
import { type Deed, traces } from './trace-kinds.ts'

const MEMORY_MB = 512

let folder: string
let blobs: BlobStore
let workers: WorkerPool
let number = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-pool-'))
  blobs = await createFsBlobs({ folder: join(folder, 'blobs'), random: cryptoRandom })
  workers = createWorkerPool({ clock: systemClock, idle: 1, memoryMb: MEMORY_MB, cacheFolder: join(folder, 'compiled') })
})
afterAll(async () => {
  await workers.close()
  await rm(folder, { recursive: true, force: true })
})

type Found = { readonly outcome: StepOutcome; readonly worker: string; readonly clean: boolean; readonly lines: readonly string[] }

async function doStep(deed: Deed, limits: { timeoutMs?: number; memoryMb?: number } = {}): Promise<Found> {
  const id = `step_${String(++number).padStart(20, '0')}` as StepId
  const lines: string[] = []
  const outcome = await runStepProcess({
    workers,
    task: {
      module: traces.module,
      component: traces.name,
      componentVersion: traces.version,
      run: 'run_00000000000000000000' as RunId,
      step: id,
      pipeline: 'traces' as Slug,
      idempotencyKey: id,
      inputs: {},
      params: { deed },
      reads: null,
      seed: 1,
      folder: join(folder, id),
      kept: join(folder, `kept-${id}`),
    },
    limits: { timeoutMs: 10_000, memoryMb: MEMORY_MB, ...limits },
    clock: systemClock,
    blobs,
    request: async () => new Response(),
    signal: new AbortController().signal,
    durable: async () => {},
    onGiven: async () => {},
    onLog: (_level, message) => void lines.push(message),
    onMetrics: () => {},
    onProgress: () => {},
  })
  return { outcome, lines, ...(JSON.parse(lines.find((line) => line.startsWith('{')) ?? '{}') as { worker: string; clean: boolean }) }
}

/** The workers of the next steps, which leave nothing behind. */
async function nextWorkers(count: number): Promise<string[]> {
  const workers: string[] = []
  for (let i = 0; i < count; i++) {
    const found = await doStep('nothing')
    expect(found).toMatchObject({ outcome: { kind: 'done' }, clean: true })
    workers.push(found.worker)
  }
  return workers
}

test('[PIP-67] a worker is ready before a step needs it, and takes another one when nothing was left in it', async () => {
  const workers = await nextWorkers(6)
  expect(new Set(workers).size).toBe(1)
})

test('[PIP-67] it is kept when its step had DuckDB loaded, and closed what it opened', async () => {
  const first = await doStep('database')
  expect(first).toMatchObject({ outcome: { kind: 'done' }, clean: true })
  expect(await nextWorkers(2)).toContain(first.worker)
})

test.each([
  'global',
  'prototype',
  'method',
  'environment',
  'interval',
  'unreferenced timer',
  'listener',
  'output',
  'memory',
  'memory of native code',
  'dies later',
] as const)('[PIP-68] what a step leaves behind is not seen by another: %s', async (deed) => {
  const left = await doStep(deed)
  expect(left).toMatchObject({ outcome: { kind: 'done' }, clean: true })
  expect(await nextWorkers(4)).not.toContain(left.worker)
})

test("[PIP-191] a step's folder is made when it asks for it, and gone after it", async () => {
  const asked = await doStep('asks for its folder')
  const [own] = asked.lines.flatMap((line) => /^wrote into (.*)$/.exec(line)?.[1] ?? [])
  expect(asked.outcome.kind).toBe('done')
  await vi.waitFor(() => expect(existsSync(own ?? folder)).toBe(false))
  const steps = () => readdirSync(folder).filter((name) => name.startsWith('step_'))
  const before = steps()
  await doStep('nothing')
  expect(steps()).toEqual(before)
})

test('[PIP-68] each step has the variables of its module to itself', async () => {
  for (let i = 0; i < 4; i++) {
    expect(await doStep('variable')).toMatchObject({ outcome: { kind: 'done' }, clean: true })
  }
})

test.each([
  ['throws', 'internal'],
  ['exits', 'step_crashed'],
  ['hangs', 'step_timeout'],
] as const)('[PIP-69] a worker whose step %s is never used again', async (deed, code) => {
  const bad = await doStep(deed, { timeoutMs: 700 })
  expect(bad.outcome).toMatchObject({ kind: 'failed', failure: { code } })
  expect(await nextWorkers(4)).not.toContain(bad.worker)
})

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('[PIP-69] what a step has started ends with its process', async () => {
  const bad = await doStep('hangs beside a process', { timeoutMs: 1000 })
  expect(bad.outcome).toMatchObject({ kind: 'failed', failure: { code: 'step_timeout' } })
  const pid = Number(/^started (\d+)$/m.exec(bad.lines.join('\n'))?.[1])
  expect(pid).toBeGreaterThan(0)
  await vi.waitFor(() => expect(lives(pid)).toBe(false), { timeout: 10_000 })
})

test('[PIP-69] a step with a memory limit of its own has a worker of its own', async () => {
  const own = await doStep('nothing', { memoryMb: 64 })
  expect(own.outcome.kind).toBe('done')
  expect(await nextWorkers(3)).not.toContain(own.worker)
})
