import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { DATATYPE_OF, dtypeOf, type ModelTensor, modelTensorBytes, modelTensorFromBytes } from '../../../shared/tensor/model-tensor.ts'
import { sizeOf } from '../../../shared/tensor/tensor.ts'
import { prepareTensor } from '../../../shared/worker/prepare-tensors.ts'

type Datatype = Parameters<typeof prepareTensor>[0]['datatype']
const spec = (datatype: Datatype, ...shape: number[]) => ({ name: 'x', datatype, shape })
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code
    throw thrown
  }
}

test('[CMP-89] the shape follows from the number of values where one size is open, the batch being one; else it is asked for', () => {
  const shapeOf = (shape: number[], count: number) => prepareTensor(spec('FP32', ...shape), new Float32Array(count)).shape
  expect(shapeOf([-1, 512], 512)).toEqual([1, 512])
  expect(shapeOf([-1, 512], 1024)).toEqual([2, 512])
  expect(shapeOf([-1, -1], 7)).toEqual([1, 7])
  expect(shapeOf([2, -1, 128], 512)).toEqual([2, 2, 128])
  expect(shapeOf([], 1)).toEqual([])
  expect(codeOf(() => shapeOf([-1, -1, -1], 6))).toBe('shape_mismatch')
  expect(codeOf(() => shapeOf([2, 3], 5))).toBe('shape_mismatch')
  expect(codeOf(() => shapeOf([-1, 4], 6))).toBe('shape_mismatch')
  expect(prepareTensor(spec('FP32', -1, -1, -1), { data: new Float32Array(6), shape: [1, 2, 3] }).shape).toEqual([1, 2, 3])
  expect(codeOf(() => prepareTensor(spec('FP32', -1, 2), { data: [1, 2, 3], shape: [1, 3] }))).toBe('shape_mismatch')
})

test('[CMP-89] values become the datatype of the signature, or are refused by name', () => {
  const data = (datatype: Datatype, value: Parameters<typeof prepareTensor>[1]) => prepareTensor(spec(datatype, -1), value).data
  expect(data('INT64', [1, 2n])).toEqual(BigInt64Array.of(1n, 2n))
  expect(data('INT32', new Float32Array([1, 2]))).toEqual(Int32Array.of(1, 2))
  expect(data('BOOL', [true, 0])).toEqual(Uint8Array.of(1, 0))
  expect(data('BYTES', 'text')).toEqual(['text'])
  expect(data('FP32', new Uint8Array([7]))).toEqual(Float32Array.of(7))
  for (const [datatype, value] of [
    ['INT64', 1.5],
    ['INT32', 2 ** 31],
    ['UINT8', [256]],
    ['BOOL', [2]],
    ['BYTES', [1]],
    ['FP32', ['1']],
    ['FP32', true],
    ['FP32', { values: [1] } as never],
    ['INT64', '5'],
  ] as const)
    expect([datatype, codeOf(() => data(datatype, value as never))]).toEqual([datatype, 'invalid_input'])
})

test('[CMP-89] whatever is passed becomes a tensor of the signature or a coded refusal', () => {
  const datatypes = fc.constantFrom(...Object.values(DATATYPE_OF))
  fc.assert(
    fc.property(datatypes, fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 4 }), fc.anything(), (datatype, shape, value) => {
      let tensor: ModelTensor
      try {
        tensor = prepareTensor(spec(datatype, ...shape), value as never)
      } catch (thrown) {
        expect(['invalid_input', 'shape_mismatch']).toContain(thrown instanceof AppError ? thrown.code : String(thrown))
        return
      }
      expect(tensor.dtype).toBe(dtypeOf(datatype))
      expect(tensor.data.length).toBe(sizeOf(tensor.shape))
      expect(tensor.shape.length).toBe(shape.length)
    }),
    { numRuns: 1000 },
  )
})

test('[CMP-82] tensors of 64-bit integers and of texts survive their bytes', () => {
  const integers = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 20 })
  fc.assert(
    fc.property(integers, fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 20 }), (values, texts) => {
      const tensors: ModelTensor[] = [
        { dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values) },
        { dtype: 'string', shape: [texts.length], data: texts },
      ]
      for (const tensor of tensors) expect(modelTensorFromBytes(tensor.dtype, tensor.shape, modelTensorBytes(tensor))).toEqual(tensor)
    }),
  )
  for (const bytes of [Uint8Array.of(1), Uint8Array.of(255, 255, 255, 255), Uint8Array.of(1, 0, 0, 0, 0xff)])
    expect(['shape_mismatch', 'invalid_document']).toContain(codeOf(() => modelTensorFromBytes('string', [1], bytes)))
})
