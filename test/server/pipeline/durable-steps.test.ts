import { fdatasyncSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SyncFile } from '../../../server/storage/wal-sync.ts'
import type { ServerEvent } from '../../../server/events.ts'
import { definePipeline, step } from '../../../server/pipeline/pipeline.ts'
import { createBench, type PipelineBench } from './pipeline-harness.ts'
import { add, constant } from './step-kinds.ts'

const three = definePipeline({
  name: 'three',
  description: '',
  model: 'm',
  dataset: 'd',
  steps: {
    first: step(constant, { params: { value: 1 } }),
    second: step(add, { inputs: { a: 'first.out' } }),
    third: step(add, { inputs: { a: 'second.out' } }),
  },
})

/** How long the disk takes, in milliseconds: many times what starting a step does. */
const SLOW = 200

let bench: PipelineBench
let happened: string[]
let disk: SyncFile
beforeEach(async () => {
  happened = []
  disk = async (descriptor) => {
    await new Promise((resolve) => setTimeout(resolve, SLOW))
    fdatasyncSync(descriptor)
    happened.push('synced')
  }
  bench = await createBench({ pipelines: [three], sync: (descriptor) => disk(descriptor) })
  bench.events.subscribe(({ type, data }: ServerEvent) => {
    const { step: of, state } = data as { step: string | null; state: string }
    if (type === 'run.changed' && of !== null) happened.push(`${of} ${state}`)
  })
})
afterEach(() => bench.close())

async function run() {
  const { id } = await bench.pipelines.startRun('three', { params: {}, reason: 'test', by: 'tests' })
  await bench.pipelines.idle()
  return bench.pipelines.run(id)
}

test('[PIP-199] a step begins when the end of those before it is on the disk', async () => {
  expect((await run()).state).toBe('succeeded')
  const steps = happened.slice(happened.indexOf('first running'))
  expect(steps.slice(0, 7)).toEqual([
    'first running',
    'first succeeded',
    'synced',
    'second running',
    'second succeeded',
    'synced',
    'third running',
  ])
})

test('[PIP-199] steps from the cache wait for no disk; what follows them does', async () => {
  await run()
  happened.length = 0
  expect((await run()).state).toBe('succeeded')
  expect(happened).toEqual(['first cached', 'second cached', 'third cached'])
})

test('[PIP-199] a disk that does not take the records ends the run; resumed, it goes on with the next step', async () => {
  disk = async () => {
    await new Promise((resolve) => setTimeout(resolve, SLOW))
    throw new Error('EIO')
  }
  const ended = await run()
  expect(ended).toMatchObject({ state: 'failed', error: { code: 'unavailable', step: 'second' } })
  expect(ended.steps.map(({ state }) => state)).toEqual(['succeeded', 'failed', 'skipped'])
  disk = async () => {}
  await bench.pipelines.resume(ended.id)
  await bench.pipelines.idle()
  const resumed = await bench.pipelines.run(ended.id)
  expect(resumed).toMatchObject({ state: 'succeeded' })
  expect(resumed.steps[0]?.attempts).toBe(1)
})
