import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { createEventBus } from '../../../server/events.ts'
import { showProgress } from '../../../server/pipeline/progress-bar.ts'

function watch(isTTY: boolean) {
  const events = createEventBus({
    clock: manualClock(),
    onError: (thrown) => {
      throw thrown
    },
  })
  const output = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    rows: 30,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
    clearScreenDown: () => true,
  })
  const written: string[] = []
  output.on('data', (chunk: Buffer) => void written.push(chunk.toString()))
  const ended = showProgress({ events, run: 'run_1', steps: ['extract', 'train'], output: output as unknown as NodeJS.WriteStream })
  const change = (run: string, step: string | null, state: string) =>
    events.publish({ type: 'run.changed', subject: 'p', data: { run, pipeline: 'p', step, state } })
  return { events, ended, written, change }
}

test('[PIP-53] shows a run as one line for each step where there is no terminal, and ends with its state', async () => {
  const { events, ended, written, change } = watch(false)
  change('run_1', 'extract', 'running')
  change('run_2', 'extract', 'failed')
  change('run_1', 'extract', 'cached')
  events.publish({ type: 'run.progress', subject: 'p', data: { run: 'run_1', step: 'train', done: 1, total: 2, note: 'epoch 1' } })
  change('run_1', 'train', 'succeeded')
  change('run_1', null, 'succeeded')
  expect(await ended).toBe('succeeded')
  expect(written.join('')).toBe('  extract cached\n  train   succeeded\n')
})

test('[PIP-54] shows a run as a bar in a terminal, with the running step and its note', async () => {
  const { events, ended, written, change } = watch(true)
  change('run_1', 'extract', 'succeeded')
  events.publish({ type: 'run.progress', subject: 'p', data: { run: 'run_1', step: 'train', done: 1, total: 2, note: 'epoch 1 of 3' } })
  change('run_1', 'train', 'failed')
  change('run_1', null, 'failed')
  expect(await ended).toBe('failed')
  expect(written.join('')).toMatch(/100%.*train/s)
})
