import { type Field, numbersOf } from './protobuf.ts'

/** The bits of one number that say NaN: all of `exponent` set, and any of `fraction`. */
type Bits = { readonly exponent: number; readonly fraction: number }
const NARROW: Readonly<Record<string, Bits>> = {
  float16: { exponent: 0x7c00, fraction: 0x03ff },
  bfloat16: { exponent: 0x7f80, fraction: 0x007f },
}

/** The bytes of some numbers, at a border that typed arrays take. */
function aligned(bytes: Uint8Array, { start, end }: Field, size: number): { buffer: ArrayBufferLike; at: number; count: number } {
  const at = bytes.byteOffset + start
  const count = Math.floor((end - start) / size)
  return at % size === 0 ? { buffer: bytes.buffer, at, count } : { buffer: bytes.slice(start, end).buffer, at: 0, count }
}

function anyNan(values: Float32Array | Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true
  return false
}

const isNan = (value: number, { exponent, fraction }: Bits): boolean => (value & exponent) === exponent && (value & fraction) !== 0

/** Whether a field of a TensorProto holds a NaN: `raw_data`, or what stands as numbers of its own (`float_data`, `double_data`, halves in `int32_data`). */
export function holdsNan(bytes: Uint8Array, type: string, field: Field): boolean {
  const narrow = NARROW[type]
  if (narrow !== undefined && field.number === 5) {
    for (const value of numbersOf(bytes, field)) if (isNan(value, narrow)) return true
    return false
  }
  if (narrow !== undefined) {
    const { buffer, at, count } = aligned(bytes, field, 2)
    return new Uint16Array(buffer, at, count).some((value) => isNan(value, narrow))
  }
  if (type !== 'float32' && type !== 'float64') return false
  const size = type === 'float32' ? 4 : 8
  const { buffer, at, count } = aligned(bytes, field, size)
  return anyNan(type === 'float32' ? new Float32Array(buffer, at, count) : new Float64Array(buffer, at, count))
}

/** The fields of a TensorProto that hold values of these types. */
export const holdsValues = ({ number }: Field): boolean => number === 9 || number === 4 || number === 10 || number === 5
