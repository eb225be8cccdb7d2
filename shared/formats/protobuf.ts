/** One field of a protobuf message: a number, or the bytes from `start` to `end`. protobuf.dev/programming-guides/encoding */
export type Field = {
  readonly number: number
  readonly isNumber: boolean
  readonly value: number
  readonly start: number
  readonly end: number
}

/** What is wrong with bytes that are no protobuf message, and at which byte. */
export class ProtobufError extends Error {
  readonly at: number
  constructor(at: number, what: string) {
    super(`byte ${at}: ${what}`)
    this.at = at
  }
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
/** What 64 bits take at seven bits a byte. */
const LONGEST_VARINT = 10

function readVarint(bytes: Uint8Array, at: number, end: number): { value: bigint; next: number } {
  let value = 0n
  for (let i = 0; i < LONGEST_VARINT; i++) {
    const byte = at + i < end ? bytes[at + i] : undefined
    if (byte === undefined) throw new ProtobufError(at, 'a number runs past the end')
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), next: at + i + 1 }
  }
  throw new ProtobufError(at, 'a number has more than 64 bits')
}

/** The fields between two offsets, in their order. Nothing is copied, and no length that a message claims is believed beyond the message's own end. */
export function* fieldsOf(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Field> {
  let at = start
  while (at < end) {
    const key = readVarint(bytes, at, end)
    const number = Number(key.value >> 3n)
    if (number < 1 || number > 536_870_911) throw new ProtobufError(at, `${number} is no field number`)
    const wire = Number(key.value & 7n)
    at = key.next
    if (wire === VARINT) {
      const { value, next } = readVarint(bytes, at, end)
      yield { number, isNumber: true, value: Number(value), start: at, end: next }
      at = next
      continue
    }
    const length = wire === BYTES ? readVarint(bytes, at, end) : { value: wire === FIXED64 ? 8n : 4n, next: at }
    if (wire !== BYTES && wire !== FIXED64 && wire !== FIXED32) throw new ProtobufError(at, `wire type ${wire} is not known`)
    if (length.value < 0n || length.value > BigInt(end - length.next))
      throw new ProtobufError(at, `field ${number} claims ${BigInt.asUintN(64, length.value)} bytes where ${end - length.next} are left`)
    const stop = length.next + Number(length.value)
    yield { number, isNumber: false, value: 0, start: length.next, end: stop }
    at = stop
  }
}

/** A field of repeated numbers: one, or many packed. */
export function* numbersOf(bytes: Uint8Array, field: Field): Generator<number> {
  if (field.isNumber) {
    yield field.value
    return
  }
  for (let at = field.start; at < field.end; ) {
    const { value, next } = readVarint(bytes, at, field.end)
    yield Number(value)
    at = next
  }
}
