import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes, fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../../shared/core/bytes.ts'
import { manualClock } from '../../../shared/core/clock.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import { ID_PREFIXES, type IdKind, isId, newId, SLUG } from '../../../shared/core/ids.ts'
import { cryptoRandom, seededRandom, shuffled } from '../../../shared/core/random.ts'

const KINDS = Object.keys(ID_PREFIXES) as IdKind[]

test.each(KINDS)('[CORE-3] ids of a %s are its own kind and no other, and do not repeat', (kind) => {
  const ids = Array.from({ length: 1000 }, () => newId(kind, cryptoRandom))
  expect(new Set(ids).size).toBe(1000)
  for (const id of ids.slice(0, 20)) expect(KINDS.filter((other) => isId(other, id))).toEqual([kind])
})

test.each(['a', 'digits', 'a-b', '0', `${'a'.repeat(64)}`])('[CORE-3] %s is a name', (text) => expect(SLUG.test(text)).toBe(true))
test.each(['', '-', 'a--b', 'a-', '-a', 'A', 'a_b', 'a b', 'ü', '../x', 'a'.repeat(65), 'a\n'])('[CORE-3] %j is no name', (text) =>
  expect(SLUG.test(text)).toBe(false),
)

test('[CORE-4] bytes survive base64 and text survives UTF-8', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => equalBytes(fromBase64(toBase64(bytes)), bytes)))
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fromUtf8(utf8(text)) === text))
  expect(() => fromUtf8(Uint8Array.of(0xc3, 0x28))).toThrow(TypeError)
  expect(toHex(Uint8Array.of(0, 15, 255))).toBe('000fff')
})

test('[CORE-4] equalBytes tells content, not identity', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, at) => {
      const changed = bytes.slice()
      changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ 1
      return equalBytes(bytes, bytes.slice()) && !equalBytes(bytes, changed) && !equalBytes(bytes, bytes.subarray(1))
    }),
  )
})

test('[CORE-4] digests are SHA-256 in hex (FIPS 180-4 example)', async () => {
  expect(await sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('[CORE-5] the same seed gives the same draws, in range and evenly', () => {
  const draws = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 6000 }, () => random.integer(6))
  }
  expect(draws(7)).toEqual(draws(7))
  expect(draws(7)).not.toEqual(draws(8))
  const counts = [0, 1, 2, 3, 4, 5].map((face) => draws(7).filter((draw) => draw === face).length)
  // 99.99 % of the chi-square distribution with 5 degrees of freedom
  expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(25.7)
  expect(shuffled([1, 2, 3, 4, 5], seededRandom(1)).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5])
})

test('[CORE-5] a manual clock wakes sleepers in order, at their times, and only when time passes', async () => {
  const clock = manualClock(1000)
  const woken: string[] = []
  const sleep = async (name: string, ms: number) => {
    await clock.sleep(ms)
    woken.push(`${name}@${clock.now()}`)
  }
  const all = [sleep('b', 20), sleep('a', 10), sleep('c', 30)]
  await clock.advance(5)
  expect(woken).toEqual([])
  await clock.advance(15)
  expect(woken).toEqual(['a@1010', 'b@1020'])
  await clock.advance(100)
  await Promise.all(all)
  expect(woken.at(-1)).toBe('c@1030')
  const stopped = new AbortController()
  const aborted = clock.sleep(10, stopped.signal)
  stopped.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
})
