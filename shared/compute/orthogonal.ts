import { must } from '../core/assert.ts'
import { cryptoRandom, normal, seededRandom } from '../core/random.ts'
import { sizeOf } from '../tensor/tensor.ts'

/**
 * A matrix [all axes but the last, last axis] whose shorter side's vectors are orthogonal and `gain` long, uniform among all such (Saxe et al. 2014): normal draws
 * through Gram-Schmidt, which takes each vector's part along those before it away, twice, as once leaves rounding.
 */
export function orthogonalValues(shape: readonly number[], gain: number, seed: number | null | undefined): Float32Array {
  const columns = must(shape.at(-1), 'a last axis')
  const rows = sizeOf(shape) / columns
  const random = seed === null || seed === undefined ? cryptoRandom : seededRandom(seed)
  const length = Math.max(rows, columns)
  const vectors: Float64Array[] = []
  while (vectors.length < Math.min(rows, columns)) {
    const vector = Float64Array.from({ length }, () => normal(random))
    for (const before of [...vectors, ...vectors]) {
      let along = 0
      for (let i = 0; i < length; i++) along += (vector[i] as number) * (before[i] as number)
      for (let i = 0; i < length; i++) vector[i] = (vector[i] as number) - along * (before[i] as number)
    }
    const size = Math.hypot(...vector)
    vectors.push(vector.map((value) => value / size))
  }
  return Float32Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    return gain * ((rows >= columns ? vectors[column]?.[row] : vectors[row]?.[column]) ?? 0)
  })
}
