import fc from 'fast-check'
import { DTYPES, type NamedTensors, sizeOf, type TensorData, tensorFromBytes, BYTES_PER_VALUE } from '../../../shared/tensor/tensor.ts'

const arbitraryTensor: fc.Arbitrary<TensorData> = fc
  .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain(({ dtype, shape }) => {
    const length = sizeOf(shape) * BYTES_PER_VALUE[dtype]
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => tensorFromBytes(dtype, shape, bytes))
  })

const RESERVED = ['__proto__', 'constructor', 'prototype', '__metadata__', '']

/** Tensors of every dtype, with empty and scalar shapes and names of all kinds; float values of every bit pattern. */
export const arbitraryTensors: fc.Arbitrary<NamedTensors> = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((name) => !RESERVED.includes(name)),
  arbitraryTensor,
  { maxKeys: 6 },
)
