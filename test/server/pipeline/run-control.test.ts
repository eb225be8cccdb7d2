import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { param } from '../../../server/pipeline/params.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { add, constant, deaf, waitsForFile } from './step-kinds.ts'

const base = { description: '', model: 'm', dataset: 'd' }

let bench: PipelineBench
beforeAll(async () => {
  const sums = definePipeline({
    ...base,
    name: 'sums',
    params: { value: 2 },
    steps: { first: step(constant, { params: { value: param('value') } }) },
  })
  const waiting = definePipeline({
    ...base,
    name: 'waiting',
    params: { path: '' },
    steps: { wait: step(waitsForFile, { params: { path: param('path') } }), sum: step(add, { inputs: { a: 'wait.out' } }) },
  })
  const deafOne = definePipeline({ ...base, name: 'deaf', steps: { deaf: step(deaf, {}) } })
  bench = await createBench({ pipelines: [sums, waiting, deafOne] })
})
afterAll(() => bench.close())

const states = (detail: RunDetail) => Object.fromEntries(detail.steps.map((one) => [one.name, one.state]))
const stepOf = (detail: RunDetail, name: string) => {
  const found = detail.steps.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no step ${name}`)
  return found
}

describe('runs beside each other', () => {
  test('[PIP-20] queues a second run of one pipeline while other pipelines go on', async () => {
    const path = join(bench.folder, 'go-1')
    const first = await bench.pipelines.startRun('waiting', { params: { path }, reason: 'test', by: 'tests' })
    const second = await bench.pipelines.startRun('waiting', { params: { path }, reason: 'test', by: 'tests' })
    const other = await bench.pipelines.startRun('sums', { params: { value: 99 }, reason: 'test', by: 'tests' })
    await until(async () => (await bench.pipelines.run(other.id)).state === 'succeeded')
    expect((await bench.pipelines.run(first.id)).state).toBe('running')
    expect((await bench.pipelines.run(second.id)).state).toBe('queued')
    await writeFile(path, '')
    await bench.pipelines.idle()
    expect((await bench.pipelines.run(second.id)).state).toBe('succeeded')
  })

  test('[PIP-21] cancels what is queued at once and what runs at its step, and resumes it when asked', async () => {
    const path = join(bench.folder, 'go-2')
    const first = await bench.pipelines.startRun('waiting', { params: { path }, reason: 'test', by: 'tests' })
    const second = await bench.pipelines.startRun('waiting', { params: { path }, reason: 'test', by: 'tests' })
    expect((await bench.pipelines.cancel(second.id, 'not needed')).state).toBe('cancelled')
    await until(async () => stepOf(await bench.pipelines.run(first.id), 'wait').state === 'running')
    await bench.pipelines.cancel(first.id, 'changed my mind')
    await bench.pipelines.idle()
    const cancelled = await bench.pipelines.run(first.id)
    expect(cancelled).toMatchObject({ state: 'cancelled', error: { code: 'aborted', detail: 'changed my mind' } })
    expect(states(cancelled)).toEqual({ wait: 'cancelled', sum: 'cancelled' })
    await expect(bench.pipelines.cancel(first.id, 'again')).rejects.toMatchObject({ code: 'conflict' })
    await writeFile(path, '')
    await bench.pipelines.resume(first.id)
    await bench.pipelines.idle()
    expect((await bench.pipelines.run(first.id)).state).toBe('succeeded')
  })

  test('[PIP-22] ends a step that does not heed being cancelled', async () => {
    const { id } = await bench.pipelines.startRun('deaf', { params: {}, reason: 'test', by: 'tests' })
    await new Promise<void>((resolve) => {
      const stop = bench.events.subscribe(({ type, data }) => {
        if (type !== 'run.progress' || (data as { run: string }).run !== id) return
        stop()
        resolve()
      })
    })
    await bench.pipelines.cancel(id, 'enough')
    await bench.pipelines.idle()
    expect((await bench.pipelines.run(id)).state).toBe('cancelled')
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('the condition did not come about in 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
