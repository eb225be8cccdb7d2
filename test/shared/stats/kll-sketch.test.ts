import { expect, test } from 'vitest'
import { seededRandom, shuffled } from '../../../shared/core/random.ts'
import { encodeKll, kllRankError, kllSketch } from '../../../shared/stats/kll-sketch.ts'

const weights = (levels: readonly (readonly number[])[]) => levels.reduce((sum, values, i) => sum + values.length * 2 ** i, 0)
const worst = (sketch: ReturnType<typeof kllSketch>, n: number) =>
  Math.max(...Array.from({ length: 99 }, (_, i) => Math.abs(sketch.rank(((i + 1) * n) / 100) - Math.floor(((i + 1) * n) / 100) / n)))

test('[STA-29] the stated rank errors of DataSketches: 1.33 % and 1.65 % for k = 200', () => {
  expect(kllRankError(200)).toBeCloseTo(0.0133, 4)
  expect(kllRankError(200, true)).toBeCloseTo(0.0165, 4)
})

test.each([0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000])(
  '[STA-29] the stream 1 to %d: n, min, max and weights are exact, ranks near',
  (n) => {
    const sketch = kllSketch(seededRandom(1))
    for (let i = 1; i <= n; i++) sketch.add(i)
    expect(sketch.n).toBe(n)
    expect(weights(sketch.levels)).toBe(n)
    if (n === 0) {
      expect(sketch.quantile(0.5)).toBeNaN()
      expect(encodeKll(sketch)).toHaveLength(8)
      return
    }
    expect([sketch.min, sketch.max, sketch.quantile(0), sketch.quantile(1)]).toEqual([1, n, 1, n])
    expect(worst(sketch, n)).toBeLessThanOrEqual(kllRankError(200))
    const retained = sketch.levels.flat().length
    expect(encodeKll(sketch)).toHaveLength(20 + 4 * sketch.levels.length + 4 * (retained + 2))
    // 2,536 bytes for a million floats are what was measured elsewhere
    expect(encodeKll(sketch).length).toBeLessThan(3000)
  },
)

test('[STA-29] one value is the 36 bytes that DataSketches writes', () => {
  const sketch = kllSketch(seededRandom(1))
  sketch.add(1)
  const bytes = encodeKll(sketch)
  expect(bytes).toHaveLength(36)
  expect([...bytes.slice(0, 8)]).toEqual([0x05, 0x01, 0x0f, 0x00, 0xc8, 0x00, 0x08, 0x00])
})

test('[STA-29] a thousand merged sketches are as good as one of all values', () => {
  const random = seededRandom(2)
  const values = shuffled(
    Array.from({ length: 100_000 }, (_, i) => i + 1),
    random,
  )
  const all = kllSketch(random)
  for (let part = 0; part < 1000; part++) {
    const one = kllSketch(random)
    for (const value of values.slice(part * 100, part * 100 + 100)) one.add(value)
    all.merge(one)
  }
  expect([all.n, all.min, all.max, weights(all.levels)]).toEqual([100_000, 1, 100_000, 100_000])
  expect(worst(all, 100_000)).toBeLessThanOrEqual(kllRankError(200))
})
