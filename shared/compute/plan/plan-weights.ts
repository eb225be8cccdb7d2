import { describe, expectTensor, type NamedTensors, shapeMismatch, type TensorData } from '../../tensor/tensor.ts'
import { allFinite } from '../finite.ts'
import type { Plan } from './plan.ts'

/** Copies weights into a plan. Throws shape_mismatch for one that is missing, unknown, of another shape or type, or not finite; then nothing was changed. */
export function setPlanWeights({ weights }: Plan, tensors: NamedTensors): void {
  for (const name of Object.keys(tensors))
    if (!weights.has(name)) throw shapeMismatch(name, 'a weight of the plan', 'a name it does not have')
  for (const { name, shape } of weights.values()) {
    const expected = { dtype: 'float32', shape }
    const value = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (value === undefined) throw shapeMismatch(name, describe(expected), 'nothing')
    expectTensor(name, value, expected)
    if (!allFinite(value.data as Float32Array)) throw shapeMismatch(name, 'finite values', 'NaN or an infinity')
  }
  for (const { name, data } of weights.values()) data.set(tensors[name]?.data ?? [])
}

/** Copies of the weights by name, in the model's order. */
export const getPlanWeights = ({ weights }: Plan): Record<string, TensorData> =>
  Object.fromEntries([...weights.values()].map(({ name, shape, data }) => [name, { dtype: 'float32', shape, data: data.slice() }]))
