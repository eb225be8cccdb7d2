import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type KeptChoice, keptChoices } from '../../../server/serving/kept-choices.ts'
import { createServing, type Serving, type ServingDeps } from '../../../server/serving/serving-service.ts'
import type { Predictions } from '../../../shared/contract/serving.ts'
import { toBase64 } from '../../../shared/core/bytes.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'
import { createKit, type Kit, MODEL } from '../../client/sdk/kit.ts'
import { digit } from '../../shared/data/mnist.ts'

let kit: Kit
let folder: string
let manifest: Sha256
const open: Serving[] = []
/** Of the server that had nothing to remember. */
let answered: Predictions

beforeAll(async () => {
  kit = await createKit()
  folder = await mkdtemp(join(tmpdir(), 'shoal-choices-'))
  await kit.publish()
  manifest = (await kit.server.services.registry.getVersion(MODEL, 1)).manifest
  answered = await start('measured').ask()
})
afterAll(async () => {
  for (const serving of open) serving.close()
  await kit.close()
  await rm(folder, { recursive: true })
})

const fileIn = (name: string): string => join(folder, name, `${manifest}.json`)
const kept = async (name: string): Promise<KeptChoice> => JSON.parse(await readFile(fileIn(name), 'utf8')) as KeptChoice

async function plant(name: string, text: string): Promise<void> {
  await mkdir(join(folder, name))
  await writeFile(fileIn(name), text)
}

/** A server that starts, with what is kept in a folder of this name; and what fails in its background. */
function start(name: string, options: Partial<ServingDeps> = {}) {
  const { registry, blobs } = kit.server.services
  const failures: unknown[] = []
  const onError = (thrown: unknown): void => void failures.push(thrown)
  const choices = keptChoices(join(folder, name))
  const serving = createServing({ registry, blobs, choices, clock: systemClock, random: cryptoRandom, onError, ...options })
  open.push(serving)
  const ask = () => serving.predict({ model: MODEL, version: 1, inputs: [{ shape: [28, 28], data: toBase64(digit(3)) }] })
  return { ask, failures }
}

test('[SRV-8] what was measured is remembered on disk, and taken by the next server without measuring', async () => {
  const measured = await kept('measured')
  expect(measured.choice).toMatchObject({ backend: answered.backend, remembered: false })
  expect(Object.keys({ ...measured.choice.timings, ...measured.choice.skipped }).sort()).toEqual(['cpu', 'plan', 'wasm'])
  expect(measured.fingerprint).toContain(process.version)
  // a choice that no measurement would make shows that none was made
  const choice = { ...measured.choice, candidate: 'cpu', backend: 'cpu', engine: 'tfjs' }
  await plant('restart', JSON.stringify({ ...measured, choice }))
  const second = await start('restart').ask()
  expect(second.backend).toBe('cpu')
  expect((await kept('restart')).choice.measured).toBe(measured.choice.measured)
  const [a, b] = [answered, second].map(({ predictions }) => predictions[0]?.probabilities ?? [])
  for (const [i, p] of (a ?? []).entries()) expect(p).toBeCloseTo(b?.[i] ?? Number.NaN, 5)
})

test.each([
  ['of another Node version', (text: string) => text.replaceAll(process.version, 'v1.0.0')],
  ['that broke off', (text: string) => text.slice(0, 40)],
  ['that holds something else', () => '{"choice":{"candidate":"abacus"}}'],
])('[SRV-8] a file %s is measured over', async (name, spoil) => {
  const before = await kept('measured')
  await plant(name, spoil(JSON.stringify(before)))
  const { ask, failures } = start(name)
  await ask()
  expect(await kept(name)).toMatchObject({ fingerprint: before.fingerprint, choice: { remembered: false } })
  expect((await kept(name)).choice.measured).toBeGreaterThan(before.choice.measured)
  expect(failures).toEqual([])
})

test('[SRV-8] a server that can write nothing there answers, and says so', async () => {
  await writeFile(join(folder, 'full'), 'a file where the folder should be')
  const { ask, failures } = start('full')
  expect((await ask()).version).toBe(1)
  expect(failures).toHaveLength(1)
})

test('[SRV-8] when answers take another time than was measured, the ways to run it are timed anew while it answers', async () => {
  const before = await kept('measured')
  const { candidate, timings } = before.choice
  // as though the measurement had been made in a very busy moment
  const slow = { ...timings, [candidate]: { first: 1e5, median: 1e5 } }
  await plant('drift', JSON.stringify({ ...before, choice: { ...before.choice, timings: slow } }))
  let later = 0
  const { ask, failures } = start('drift', { clock: { ...systemClock, now: () => systemClock.now() + later } })
  await ask()
  later = 11 * 60 * 1000
  for (let i = 0; i < 80; i++) await ask()
  await vi.waitFor(async () => expect((await kept('drift')).choice.measured).toBeGreaterThan(before.choice.measured), 20_000)
  expect((await kept('drift')).choice.timings[candidate]?.median).toBeLessThan(1e4)
  expect((await ask()).version).toBe(1)
  expect(failures).toEqual([])
})
