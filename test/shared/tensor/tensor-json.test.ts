import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeTensor } from '../../../shared/tensor/tensor.ts'
import { decodeTensor, encodedTensorSchema, encodeTensor } from '../../../shared/tensor/tensor-json.ts'
import { arbitraryTensors } from './arbitrary-tensors.ts'

test('[TEN-7] a tensor survives JSON bit for bit', () => {
  fc.assert(
    fc.property(arbitraryTensors, (tensors) => {
      for (const tensor of Object.values(tensors)) {
        const encoded = encodedTensorSchema.parse(JSON.parse(JSON.stringify(encodeTensor(tensor))))
        expect(decodeTensor(encoded)).toEqual(tensor)
      }
    }),
    { numRuns: 50 },
  )
})

test('[TEN-7] refuses text that is not base64 or not as long as the shape asks', () => {
  const encoded = encodeTensor(makeTensor('float32', [2], Float32Array.of(1, 2)))
  expect(() => decodeTensor({ ...encoded, data: '?' })).toThrow(expect.objectContaining({ code: 'invalid_document' }))
  expect(() => decodeTensor({ ...encoded, shape: [3] })).toThrow(expect.objectContaining({ code: 'shape_mismatch' }))
})
