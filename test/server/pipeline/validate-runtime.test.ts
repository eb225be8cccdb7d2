import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../shared/core/clock.ts'
import { must } from '../../../shared/core/assert.ts'
import { encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { ensureClientBuilt } from '../../../server/client-build.ts'
import { type BrowserCheck, checkInBrowser } from '../../../server/pipeline/runtime-check/browser-check.ts'
import { findChromium } from '../../../server/pipeline/runtime-check/chromium.ts'
import { ensureChromium } from '../../browser.ts'
import { makeModel } from '../../workers/small-model.ts'

let folder: string
let pages: string
let chromium: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-runtime-'))
  pages = (await ensureClientBuilt({ root: fileURLToPath(new URL('../../..', import.meta.url)) })).folder
  chromium = ensureChromium({ log: () => {} })
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const job = async (spoil: number, more: Partial<BrowserCheck> = {}): Promise<BrowserCheck> => {
  const { manifest, tensors } = await makeModel(spoil)
  return {
    chromium,
    pages,
    manifest,
    tensors: encodeSafetensors(tensors, {}),
    candidates: ['wasm', 'cpu'],
    folder: await mkdtemp(join(folder, 'check-')),
    timeoutMs: 60_000,
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  }
}

describe('a candidate in the worker of a real browser', () => {
  test('[PIP-167] loads on each backend, reproduces its golden outputs, and tells how long it took', { timeout: 120_000 }, async () => {
    const { userAgent, backends } = await checkInBrowser(await job(0))
    expect(userAgent).toMatch(/Chrome/)
    for (const name of ['wasm', 'cpu'])
      expect(backends[name]).toMatchObject({ ok: true, largestDifference: expect.any(Number), answerMs: expect.any(Number) })
  })

  test('[PIP-167] is refused where it answers otherwise than it did here, by each backend', { timeout: 120_000 }, async () => {
    const { backends } = await checkInBrowser(await job(1.7, { candidates: ['wasm'] }))
    expect(backends['wasm']).toMatchObject({ ok: false, code: 'self_test_failed', detail: expect.any(String) })
  })

  test('[PIP-168] a browser that ends, hangs or cannot be started is told as that, and nothing is left running', {
    timeout: 60_000,
  }, async () => {
    const program = async (name: string, text: string) => {
      const path = join(folder, name)
      await writeFile(path, `#!/bin/sh\n${text}\n`)
      await chmod(path, 0o755)
      return path
    }
    const ends = await program('ends', 'echo no display >&2; exit 7')
    await expect(checkInBrowser(await job(0, { chromium: ends }))).rejects.toMatchObject({
      code: 'worker_died',
      detail: expect.stringMatching(/code 7 .*no display/),
    })
    const hangs = await program('hangs', 'exec sleep 600')
    await expect(checkInBrowser(await job(0, { chromium: hangs, timeoutMs: 300 }))).rejects.toMatchObject({ code: 'timeout' })
    await expect(checkInBrowser(await job(0, { chromium: join(folder, 'nowhere') }))).rejects.toMatchObject({ code: 'worker_died' })
    const aborted = AbortSignal.abort()
    await expect(checkInBrowser(await job(0, { chromium: hangs, signal: aborted }))).rejects.toMatchObject({ code: 'aborted' })
  })

  test('[PIP-168] the browser is the named one, SHOAL_CHROMIUM, or one on the path; a named one that is not there is refused', async () => {
    const here = join(folder, 'google-chrome')
    await writeFile(here, '')
    expect(findChromium(null, { PATH: ['/nowhere', folder].join(delimiter) }, 'linux')).toBe(here)
    expect(findChromium(null, { PATH: '/nowhere' }, 'linux')).toBeUndefined()
    expect(findChromium(null, { SHOAL_CHROMIUM: here, PATH: '' }, 'linux')).toBe(here)
    expect(findChromium(here, {}, 'linux')).toBe(here)
    expect(() => findChromium('/no/browser', {}, 'linux')).toThrow(/no browser at \/no\/browser/)
    expect(must(findChromium(null, process.env), 'the browser of these tests')).toBeTruthy()
  })
})
