import { describe, expectTensor, type NamedTensors, shapeMismatch, type TensorData } from '../../tensor/tensor.ts'
import { allFinite } from '../finite.ts'
import type { Plan } from './plan.ts'

/** Throws shape_mismatch for a weight that is missing, unknown, of another shape or type, or not finite. */
export function checkWeights(
  expected: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
  tensors: NamedTensors,
): void {
  const weights = [...expected]
  const names = new Set(weights.map(({ name }) => name))
  for (const name of Object.keys(tensors))
    if (!names.has(name)) throw shapeMismatch(name, 'a weight of the plan', 'a name it does not have')
  for (const { name, shape } of weights) {
    const wanted = { dtype: 'float32', shape }
    const value = Object.hasOwn(tensors, name) ? tensors[name] : undefined
    if (value === undefined) throw shapeMismatch(name, describe(wanted), 'nothing')
    expectTensor(name, value, wanted)
    if (!allFinite(value.data as Float32Array)) throw shapeMismatch(name, 'finite values', 'NaN or an infinity')
  }
}

/** Copies weights into a plan as they are. */
export function writePlanWeights(plan: Plan, tensors: NamedTensors): void {
  for (const { name, data } of plan.weights.values()) data.set(tensors[name]?.data ?? [])
  plan.weightsSet()
}

/** Copies weights into a plan. Throws as checkWeights; then nothing was changed. */
export function setPlanWeights(plan: Plan, tensors: NamedTensors): void {
  checkWeights(plan.weights.values(), tensors)
  writePlanWeights(plan, tensors)
}

/** Copies of the weights by name, in the model's order. */
export const getPlanWeights = ({ weights }: Plan): Record<string, TensorData> =>
  Object.fromEntries([...weights.values()].map(({ name, shape, data }) => [name, { dtype: 'float32', shape, data: data.slice() }]))
