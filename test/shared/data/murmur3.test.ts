import { expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import { murmur3 } from '../../../shared/data/murmur3.ts'

test('[DAT-51] the hash is MurmurHash3_x86_32: these are published values of it', () => {
  const published: [text: string, seed: number, hash: number][] = [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['abc', 0, 0xb3dd93fa],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ]
  for (const [text, seed, hash] of published) expect(murmur3(utf8(text), seed)).toBe(hash)
})
