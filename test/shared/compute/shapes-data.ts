import type { Examples } from '../../../shared/compute/examples.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'

/** A task that a small network learns in a second: which quarter of an 8x8 image of bytes is bright, under noise. */
export function quarters(count: number, seed: number): { examples: Examples; labels: Uint8Array } {
  const random = seededRandom(seed)
  const data = new Uint8Array(count * 64)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const label = random.integer(4)
    labels[i] = label
    for (let at = 0; at < 64; at++) {
      const quarter = (at % 8 >= 4 ? 1 : 0) + (at >= 32 ? 2 : 0)
      data[i * 64 + at] = Math.max(0, Math.min(255, 80 + 40 * normal(random) + (quarter === label ? 90 : 0)))
    }
  }
  return { examples: { data, shape: [count, 8, 8, 1] }, labels }
}
