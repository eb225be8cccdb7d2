import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { makeTensor, type NamedTensors, tensorBytes } from '../../../shared/tensor/tensor.ts'
import { arbitraryTensors } from './arbitrary-tensors.ts'

function file(header: unknown, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = utf8(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = new Uint8Array(8)
  new DataView(prefix.buffer).setBigUint64(0, length ?? BigInt(json.length), true)
  return concatBytes([prefix, json, data])
}

const bits = (tensors: NamedTensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { dtype: t.dtype, shape: t.shape, bytes: [...tensorBytes(t)] }]))

test('[TEN-2] gives back names, dtypes, shapes, every bit and the metadata; the same tensors are always the same file', () => {
  fc.assert(
    fc.property(
      arbitraryTensors,
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.string(),
        { maxKeys: 3 },
      ),
      (tensors, metadata) => {
        const bytes = encodeSafetensors(tensors, metadata)
        const decoded = decodeSafetensors(bytes)
        expect(bits(decoded.tensors)).toEqual(bits(tensors))
        expect({ ...decoded.metadata }).toEqual({ ...metadata })
        const reordered = Object.fromEntries(Object.entries(tensors).reverse())
        expect(encodeSafetensors(reordered, metadata)).toEqual(bytes)
      },
    ),
    { numRuns: 150 },
  )
})

test('[TEN-2] the data begins at a multiple of 8 bytes, as the format asks', () => {
  const bytes = encodeSafetensors({ a: makeTensor('uint8', [1], Uint8Array.of(7)) })
  expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0)
})

test('[TEN-3] reads any bytes as tensors or refuses them with invalid_document', () => {
  const base = encodeSafetensors({
    'a/b': makeTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4)),
    c: makeTensor('uint8', [3], Uint8Array.of(1, 2, 3)),
  })
  const damaged = fc
    .tuple(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(base.length))
    .map(([edits, end]) => {
      const copy = base.slice(0, end)
      for (const [at, value] of edits) if (at < copy.length) copy[at] = value
      return copy
    })
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      try {
        decodeSafetensors(bytes)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(AppError)
        expect((thrown as AppError).code).toBe('invalid_document')
      }
    }),
    { numRuns: 2000 },
  )
})

const one = (entry: object) => ({ a: { dtype: 'U8', shape: [4], data_offsets: [0, 4], ...entry } })
const four = new Uint8Array(4)

const CASES: readonly (readonly [string, Uint8Array])[] = [
  ['no header length', new Uint8Array(7)],
  ['a header longer than the file', file({}, four, 1000n)],
  ['a header length beyond every number', file({}, four, 2n ** 64n - 1n)],
  ['a header that is no JSON', file('{"a":')],
  ['a header that is an array', file([])],
  ['a header with bytes that are no UTF8', concatBytes([Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(0x7b, 0xff)])],
  ['an unknown dtype', file(one({ dtype: 'F8' }), four)],
  ['a dtype named after an object member', file(one({ dtype: 'toString' }), four)],
  ['a missing member', file({ a: { dtype: 'U8', shape: [4] } }, four)],
  ['an unknown member', file(one({ extra: 1 }), four)],
  ['a negative dimension', file(one({ shape: [-4] }), four)],
  ['a dimension that is no whole number', file(one({ shape: [0.5] }), four)],
  ['a dimension that is null', file('{"a":{"dtype":"U8","shape":[null],"data_offsets":[0,4]}}', four)],
  ['dimensions whose product overflows', file(one({ shape: [2 ** 40, 2 ** 40] }), four)],
  ['offsets that do not fit the shape', file(one({ shape: [3] }), four)],
  ['offsets beyond the data', file(one({ data_offsets: [0, 5], shape: [5] }), four)],
  ['offsets that go backwards', file(one({ data_offsets: [4, 0] }), four)],
  [
    'overlapping tensors',
    file({ a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] }, b: { dtype: 'U8', shape: [2], data_offsets: [2, 4] } }, four),
  ],
  [
    'a gap between tensors',
    file({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, b: { dtype: 'U8', shape: [2], data_offsets: [2, 4] } }, four),
  ],
  ['data that no tensor covers', file(one({ data_offsets: [0, 3], shape: [3] }), four)],
  ['a tensor called __proto__', file('{"__proto__":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', four)],
  ['metadata that is no text', file('{"__metadata__":{"a":1}}')],
  ['metadata with a key __proto__', file('{"__metadata__":{"__proto__":"x"}}')],
]

test.each(CASES)('[TEN-3] refuses %s', (_, bytes) => {
  expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'invalid_document' }))
})

test('[TEN-3] refuses a header above the cap it is given', () => {
  const bytes = encodeSafetensors({ a: makeTensor('uint8', [1], Uint8Array.of(1)) })
  expect(() => decodeSafetensors(bytes, { maxHeader: 16 })).toThrow(expect.objectContaining({ code: 'invalid_document' }))
})
