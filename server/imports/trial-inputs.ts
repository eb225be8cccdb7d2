import type { TensorSpec } from '../../shared/compute/runtime.ts'
import type { GivenTensor } from '../../shared/contract/imports.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { GoldenInput } from '../../shared/tensor/golden.ts'
import { DATATYPE_OF, isModelDtype } from '../../shared/tensor/model-tensor.ts'
import { describe, shapeMismatch, sizeOf } from '../../shared/tensor/tensor.ts'
import { encodeTensor } from '../../shared/tensor/tensor-json.ts'
import { prepareTensor } from '../../shared/worker/prepare-tensors.ts'

/** Values that are drawn for one input: as many as a 4-megapixel image in colour has. */
const MAX_DRAWN = 2 ** 24

const example = (name: string, shape: readonly (number | null)[]): string =>
  JSON.stringify({ [name]: { shape: shape.map((size, axis) => size ?? (axis === 0 ? 1 : 512)) } })

/** What the model is tried on, one for each input: given values, or drawn ones in the shape that is given or fixed. Throws shape_mismatch, invalid_input. */
export function trialInputs(specs: readonly TensorSpec[], given: Readonly<Record<string, GivenTensor>>): GoldenInput[] {
  const names = specs.map(({ name }) => name)
  for (const name of Object.keys(given))
    if (!names.includes(name)) throw new AppError('invalid_input', `the example names ${name}; the model takes ${names.join(', ')}`)
  return specs.map(({ name, dtype, shape }, i) => {
    if (!isModelDtype(dtype)) throw new AppError('unsupported_op', `input ${name} is ${dtype}, which no app can pass`)
    const { shape: wanted, data } = Object.hasOwn(given, name) ? (given[name] ?? {}) : {}
    const signature = { name, datatype: DATATYPE_OF[dtype], shape: shape.map((size) => size ?? -1) }
    if (data !== undefined) return encodeTensor(prepareTensor(signature, wanted === undefined ? { data } : { data, shape: wanted }))
    const open = shape.findIndex((size, axis) => size === null && axis > 0)
    if (wanted === undefined && open > 0)
      throw new AppError(
        'invalid_input',
        `input ${name} is ${describe({ dtype, shape })}: say in an example which sizes to try it with, such as ${example(name, shape)}`,
        {
          issues: [{ where: name, what: `size ${open} is open` }],
        },
      )
    const drawn = wanted ?? shape.map((size) => size ?? 1)
    if (drawn.length !== shape.length || shape.some((size, axis) => size !== null && size !== drawn[axis]))
      throw shapeMismatch(name, describe({ dtype, shape }), describe({ dtype, shape: drawn }))
    if (sizeOf(drawn) > MAX_DRAWN)
      throw new AppError('invalid_input', `input ${name} would take ${sizeOf(drawn)} values: try fewer than ${MAX_DRAWN} in an example`)
    return { dtype, shape: drawn, seed: i + 1 }
  })
}
