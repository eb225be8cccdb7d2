import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestsOf, finish, killAt, type Outcome } from './kill-points.ts'

let folders: string[]
beforeAll(async () => {
  folders = await Promise.all(['left-alone', 'killed'].map((name) => mkdtemp(join(tmpdir(), `shoal-${name}-`))))
})
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

/** `npm run bench -- kill-points` goes through all steps; here are those that differ in kind: a boundary, in a long step after a checkpoint, after a side effect that is not recorded yet. */
const POINTS = ['prepare:succeeded', 'train:kept', 'register:made']
/** Enough that training outlasts its first checkpoint. */
const EPOCHS = 60

test('[PIP-141] [PIP-179] a real run whose process is killed again and again, in steps and between them, ends with the digests of one that was left alone, no step done twice, training from its checkpoint', async () => {
  const [alone = '', killed = ''] = folders
  const expected: Outcome = await finish(alone, EPOCHS)
  expect(expected.run).toMatchObject({ state: 'succeeded', error: null })
  const interrupted = new Map<string, number>()
  const done = new Set<string>()
  for (const point of POINTS) {
    const left = await killAt(killed, point, EPOCHS)
    expect(left, point).toBeDefined()
    for (const [step, { state }] of left ?? []) {
      if (state === 'running') interrupted.set(step, (interrupted.get(step) ?? 0) + 1)
      // what has ended once is never begun again
      else if (state === 'succeeded') done.add(step)
      expect(done.has(step) && state !== 'succeeded', `${step} at ${point}`).toBe(false)
    }
  }
  expect([...interrupted.keys()].sort()).toEqual(['register', 'train'])
  const outcome = await finish(killed, EPOCHS)
  expect(outcome).toMatchObject({ runs: 1, latest: 1, aliases: { stable: 1 }, run: { state: 'succeeded', error: null } })
  expect(digestsOf(outcome)).toEqual(digestsOf(expected))
  for (const { name, attempts, state } of outcome.run.steps)
    expect([name, state, attempts]).toEqual([name, 'succeeded', 1 + (interrupted.get(name) ?? 0)])

  const at = outcome.said.findIndex((line) => line.startsWith('going on after step'))
  const [, before, total] = /step (\d+) of (\d+)/.exec(outcome.said[at] ?? '') ?? []
  expect(Number(before)).toBeGreaterThan(0)
  const epochsBefore = Math.floor(Number(before) / (Number(total) / EPOCHS))
  const epochs = outcome.said.slice(at).flatMap((line) => /^epoch (\d+):/.exec(line)?.[1] ?? [])
  expect(epochs.map(Number)).toEqual(Array.from({ length: EPOCHS - epochsBefore }, (_, i) => epochsBefore + 1 + i))
  // nothing is left of what it went on from
  expect(outcome.kept).toEqual([])
}, 120_000)
