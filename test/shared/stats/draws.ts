import { normal, type Random } from '../../../shared/core/random.ts'

/** How many of n independent trials succeed. */
export function binomial(random: Random, n: number, p: number): number {
  let count = 0
  for (let i = 0; i < n; i++) if (random.uniform() < p) count++
  return count
}

export const normals = (random: Random, n: number, mean = 0, deviation = 1): number[] =>
  Array.from({ length: n }, () => mean + deviation * normal(random))

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
