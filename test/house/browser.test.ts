import { afterEach, expect, test, vi } from 'vitest'
import { ensureChromium, findChromium } from '../browser.ts'

afterEach(() => vi.unstubAllEnvs())

test('[HSE-11] SHOAL_CHROMIUM decides, and a wrong one is refused with a code', () => {
  vi.stubEnv('SHOAL_CHROMIUM', process.execPath)
  expect(findChromium()).toBe(process.execPath)
  vi.stubEnv('SHOAL_CHROMIUM', '/no/such/chromium')
  expect(() => findChromium()).toThrow(/^not_found: SHOAL_CHROMIUM names \/no\/such\/chromium/)
})

test('[HSE-11] installers are tried in their order until a browser is there', () => {
  let there: string | undefined
  const log: string[] = []
  const refuse = { name: 'first', install: () => expect.fail('no network') }
  const installers = [
    refuse,
    { name: 'second', install: () => void (there = 'chromium') },
    { name: 'third', install: () => expect.fail('not reached') },
  ]
  expect(ensureChromium({ log: (line) => log.push(line), find: () => there, installers })).toBe('chromium')
  expect(log).toEqual(['no Chromium found: first', 'no Chromium found: second'])
  expect(ensureChromium({ log: () => expect.fail('nothing to say'), find: () => there, installers: [refuse] })).toBe('chromium')
})

test('[HSE-11] where nothing works, the failure has a code, says what was tried and what to do', () => {
  const installers = [
    { name: 'one', install: () => expect.fail('no network') },
    { name: 'two', install() {} },
  ]
  expect(() => ensureChromium({ log() {}, find: () => undefined, installers })).toThrow(
    /^unavailable: .*one \(no network\); two \(ended well, yet no browser is there\)\. Install Chromium, .* SHOAL_CHROMIUM/,
  )
})
