import { must } from '../../../shared/core/assert.ts'
import type { NamedTensors, TensorData } from '../../../shared/tensor/tensor.ts'

/** Regression learns (y - mean) / deviation; the output layer then takes both in, so that the model answers in the data's own unit. */
export type TargetScale = { readonly mean: number; readonly deviation: number }

export function targetScale(labels: ArrayLike<number>): TargetScale {
  let [sum, squares] = [0, 0]
  for (let i = 0; i < labels.length; i++) sum += must(labels[i], 'a label')
  const mean = sum / labels.length
  for (let i = 0; i < labels.length; i++) squares += (must(labels[i], 'a label') - mean) ** 2
  const deviation = Math.sqrt(squares / labels.length)
  return { mean, deviation: deviation > 0 ? deviation : 1 }
}

export const scaledTargets = (labels: Float32Array | Int32Array, { mean, deviation }: TargetScale): Float32Array =>
  Float32Array.from(labels, (value) => (value - mean) / deviation)

function outputLayer(weights: NamedTensors, kernel: (x: number) => number, bias: (x: number) => number): Record<string, TensorData> {
  const mapped = (name: string, map: (x: number) => number): Record<string, TensorData> => {
    const tensor = must(weights[name], name)
    return { [name]: { dtype: 'float32', shape: tensor.shape, data: Float32Array.from(tensor.data, map) } }
  }
  return { ...weights, ...mapped('output/kernel', kernel), ...mapped('output/bias', bias) }
}

/** Weights that answer in the data's unit, from those that answer in deviations. */
export const intoUnits = (weights: NamedTensors, { mean, deviation }: TargetScale): Record<string, TensorData> =>
  outputLayer(
    weights,
    (x) => x * deviation,
    (x) => x * deviation + mean,
  )

/** The other way round, for training to go on. */
export const fromUnits = (weights: NamedTensors, { mean, deviation }: TargetScale): Record<string, TensorData> =>
  outputLayer(
    weights,
    (x) => x / deviation,
    (x) => (x - mean) / deviation,
  )
