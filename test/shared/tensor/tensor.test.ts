import { expect, test } from 'vitest'
import { expectTensor, makeTensor, tensorBytes, tensorFromBytes } from '../../../shared/tensor/tensor.ts'

test('[TEN-1] refuses data that does not fit its shape, and names tensor, expected and got', () => {
  const make = () => makeTensor('float32', [2, 3], new Float32Array(5), 'conv/kernel')
  expect(make).toThrow(
    expect.objectContaining({ code: 'shape_mismatch', detail: 'tensor conv/kernel must be 6 values for float32[2,3], got 5 values' }),
  )
})

test('[TEN-1] refuses data of another type than the dtype, and shapes of anything but sizes', () => {
  expect(() => makeTensor('float32', [2], new Int32Array(2))).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
  for (const dimension of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY]) {
    expect(() => makeTensor('uint8', [dimension], new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
  }
})

test('[TEN-1] expects a shape with free dimensions', () => {
  const batch = makeTensor('float32', [4, 2], new Float32Array(8))
  expectTensor('x', batch, { dtype: 'float32', shape: [null, 2] })
  for (const expected of [
    { dtype: 'float32', shape: [null, 3] },
    { dtype: 'int32', shape: [null, 2] },
    { dtype: 'float32', shape: [null] },
  ]) {
    expect(() => expectTensor('x', batch, expected)).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
  }
})

test('[TEN-1] reads a tensor from any alignment', () => {
  const tensor = makeTensor('float32', [2], Float32Array.of(1.5, -2))
  const shifted = new Uint8Array(9)
  shifted.set(tensorBytes(tensor), 1)
  expect(tensorFromBytes('float32', [2], shifted.subarray(1)).data).toEqual(Float32Array.of(1.5, -2))
  expect(() => tensorFromBytes('float32', [2], shifted, 'w')).toThrow(
    expect.objectContaining({ code: 'shape_mismatch', issues: [expect.objectContaining({ where: 'w' })] }),
  )
})
