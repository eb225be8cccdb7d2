import { AppError } from '../core/errors.ts'
import { type Datatype, dtypeOf, type ModelTensor } from '../tensor/model-tensor.ts'
import { describe, shapeMismatch, sizeOf } from '../tensor/tensor.ts'
import type { RunnableManifest } from './inference-api.ts'

/** One value of a tensor, as apps write it. */
type Value = number | bigint | string | boolean
type Values = Float32Array | Int32Array | Uint8Array | BigInt64Array | readonly Value[]

/**
 * One input of a model: its values in row-major order, or a single one; with `shape` where that does not follow from their number. What a model answers with may
 * be passed as it is.
 */
export type TensorInput = Values | Value | { readonly data: Values; readonly shape?: readonly number[] }

type Spec = RunnableManifest['signature']['inputs'][number]

/** Whether a model takes tensors as they are: nothing about its inputs is transformed or monitored. */
export const takesTensors = ({ transforms, monitors }: RunnableManifest): boolean => transforms.length === 0 && monitors !== 'image'

const isRecord = (value: unknown): value is Readonly<Record<string, TensorInput>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

const wrong = (name: string, what: string): AppError =>
  new AppError('invalid_input', `input ${name} ${what}`, { issues: [{ where: name, what }] })

const sizes = (shape: readonly number[]): (number | null)[] => shape.map((size) => (size < 0 ? null : size))

/** The shape that so many values have. The batch is one example unless another size must give; a second open size is not guessed. */
function shapeOf({ name, datatype, shape }: Spec, length: number): number[] {
  const open = shape.filter((size) => size < 0).length
  const guessed = open > 1 && shape[0] === -1 ? [1, ...shape.slice(1)] : [...shape]
  const at = guessed.indexOf(-1)
  const known = guessed.reduce((product, size) => (size < 0 ? product : product * size), 1)
  const expected = describe({ dtype: dtypeOf(datatype), shape: sizes(shape) })
  if (at !== guessed.lastIndexOf(-1)) throw shapeMismatch(name, `${expected}, given as { data, shape }`, `${length} values without a shape`)
  if (at >= 0) guessed[at] = known === 0 ? 0 : length / known
  if (guessed.some((size) => !Number.isInteger(size)) || sizeOf(guessed) !== length) throw shapeMismatch(name, expected, `${length} values`)
  return guessed
}

function integer(name: string, value: Value, low: number, high: number): number {
  const number = Number(value)
  if (typeof value === 'string' || !Number.isInteger(number) || number < low || number > high)
    throw wrong(
      name,
      `takes integers from ${low} to ${high}, not ${typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)}`,
    )
  return number
}

const asNumber = (name: string, value: Value): number => {
  if (typeof value !== 'number') throw wrong(name, `takes numbers, not ${typeof value}`)
  return value
}

/** The values as the array that this datatype stands in; given as that they are taken as they are. */
function dataOf(name: string, datatype: Datatype, values: Values): ModelTensor['data'] {
  const each = <T>(how: (value: Value) => T): T[] => Array.from(values as readonly Value[], how)
  if (datatype === 'FP32')
    return values instanceof Float32Array
      ? (values as Float32Array<ArrayBuffer>)
      : Float32Array.from(
          ArrayBuffer.isView(values) && !(values instanceof BigInt64Array) ? values : each((value) => asNumber(name, value)),
        )
  if (datatype === 'INT32')
    return values instanceof Int32Array
      ? (values as Int32Array<ArrayBuffer>)
      : Int32Array.from(each((value) => integer(name, value, -(2 ** 31), 2 ** 31 - 1)))
  if (datatype === 'UINT8')
    return values instanceof Uint8Array
      ? (values as Uint8Array<ArrayBuffer>)
      : Uint8Array.from(each((value) => integer(name, value, 0, 255)))
  if (datatype === 'BOOL') return Uint8Array.from(each((value) => integer(name, value, 0, 1)))
  if (datatype === 'INT64')
    return values instanceof BigInt64Array
      ? (values as BigInt64Array<ArrayBuffer>)
      : BigInt64Array.from(
          each((value) =>
            typeof value === 'bigint' ? value : BigInt(integer(name, value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
          ),
        )
  return each((value) => {
    if (typeof value !== 'string') throw wrong(name, `takes texts, not ${typeof value}`)
    return value
  })
}

/** An input as the runtime takes it. Throws shape_mismatch, invalid_input naming it. */
export function prepareTensor(spec: Spec, input: TensorInput): ModelTensor {
  const { name, datatype } = spec
  const dtype = dtypeOf(datatype)
  const given: { data?: unknown; shape?: readonly number[] } = isRecord(input) ? input : { data: input }
  const scalar =
    typeof given.data === 'number' || typeof given.data === 'bigint' || typeof given.data === 'string' || typeof given.data === 'boolean'
  const values = scalar ? [given.data as Value] : given.data
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) throw wrong(name, 'takes an array, a single value, or { data, shape }')
  const data = dataOf(name, datatype, values as Values)
  const { shape } = given
  if (shape === undefined) return { dtype, shape: shapeOf(spec, data.length), data } as ModelTensor
  const fits =
    shape.length === spec.shape.length && shape.every((size, axis) => size >= 0 && (spec.shape[axis] === -1 || spec.shape[axis] === size))
  if (!fits || sizeOf(shape) !== data.length)
    throw shapeMismatch(name, describe({ dtype, shape: sizes(spec.shape) }), `${describe({ dtype, shape })} with ${data.length} values`)
  return { dtype, shape: [...shape], data } as ModelTensor
}

/** One tensor for each input of the signature, in its order, by name; a model with one input takes its value bare too. */
export function prepareTensors({ signature }: RunnableManifest, input: unknown): ModelTensor[] {
  const [only] = signature.inputs
  const bare =
    signature.inputs.length === 1 && only !== undefined && (!isRecord(input) || (Object.hasOwn(input, 'data') && only.name !== 'data'))
  const named: Readonly<Record<string, TensorInput>> = bare ? { [only.name]: input as TensorInput } : isRecord(input) ? input : {}
  const names = signature.inputs.map(({ name }) => name)
  if (!bare && !isRecord(input))
    throw new AppError('invalid_input', `this model takes an object with its inputs by name: ${names.join(', ')}`)
  for (const name of Object.keys(named))
    if (!names.includes(name)) throw wrong(name, `is none of this model's, which are ${names.join(', ')}`)
  return signature.inputs.map((spec) => {
    const value = Object.hasOwn(named, spec.name) ? named[spec.name] : undefined
    if (value === undefined) throw wrong(spec.name, 'is missing')
    return prepareTensor(spec, value)
  })
}
