import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import type { NamedTensors, TensorData } from '../tensor/tensor.ts'
import { clipFactor, l2Norm, type WeightSpec } from './update.ts'

/**
 * The mean of clipped updates, weighted by their examples (federated averaging, McMahan et al. 2017), taken one update at a time: memory is one double
 * for each parameter, however many devices took part. No update moves the mean by more than its share of clipNorm. The same updates in the same
 * order give the same bits.
 */
export type WeightedMean = {
  /** Adds one checked update; gives back its norm before clipping. */
  add(update: NamedTensors, examples: number): number
  /** The mean so far, float32. Fails with conflict where nothing was added. */
  mean(): Record<string, TensorData>
}

export function startWeightedMean(weights: readonly WeightSpec[], clipNorm: number): WeightedMean {
  const sums = new Map(
    weights.map(({ name, shape }) => [name, { shape, sum: new Float64Array(shape.reduce((size, length) => size * length, 1)) }]),
  )
  let total = 0
  return {
    add: (update, examples) => {
      const norm = l2Norm(update)
      const factor = examples * clipFactor(norm, clipNorm)
      for (const [name, { sum }] of sums) {
        const { data } = must(update[name], `tensor ${name} of a checked update`)
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (data[i] as number) * factor
      }
      total += examples
      return norm
    },
    mean: () => {
      if (total === 0) throw new AppError('conflict', 'no update has been added, so there is no mean')
      return Object.fromEntries(
        [...sums].map(([name, { shape, sum }]) => [
          name,
          { dtype: 'float32', shape, data: Float32Array.from(sum, (value) => value / total) } satisfies TensorData,
        ]),
      )
    },
  }
}

/** base + delta for each tensor that has one; the others as they are. Throws output_not_finite where a sum leaves float32. */
export function applyDelta(base: NamedTensors, delta: NamedTensors): Record<string, TensorData> {
  const result: Record<string, TensorData> = {}
  for (const [name, tensor] of Object.entries(base)) {
    const change = Object.hasOwn(delta, name) ? delta[name] : undefined
    if (change === undefined) {
      result[name] = tensor
      continue
    }
    const data = new Float32Array(tensor.data.length)
    for (let i = 0; i < data.length; i++) data[i] = (tensor.data[i] ?? 0) + (change.data[i] ?? 0)
    if (!data.every(Number.isFinite)) throw new AppError('output_not_finite', `weight ${name} is not finite after the round`)
    result[name] = { dtype: 'float32', shape: tensor.shape, data }
  }
  return result
}
