import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '../../../shared/core/bytes.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { cutOnnxFile, joinOnnxFile } from '../../../shared/formats/onnx-cuts.ts'
import { readOnnxFile } from '../../../shared/formats/onnx-file.ts'
import { makePieces } from '../../../shared/tensor/pieces.ts'
import type { TensorData } from '../../../shared/tensor/tensor.ts'
import { MODEL_FILES } from '../../fixtures/model-files.ts'
import { type RawTensor, writeOnnx } from '../../fixtures/onnx-writer.ts'

const bytesOf = (files: () => readonly { bytes: Uint8Array }[]): Uint8Array => files()[0]?.bytes ?? new Uint8Array()
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code
    throw thrown
  }
}
const floats = (shape: number[], seed: number): TensorData => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * seed))
  return { dtype: 'float32', shape, data }
}
const small = (seed = 1) =>
  writeOnnx({
    nodes: [{ op: 'MatMul', inputs: ['x', 'kernel'], outputs: ['y'] }],
    inputs: [{ name: 'x', type: 'float32', shape: ['batch', 32] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['batch', 64] }],
    weights: { kernel: floats([32, 64], seed), tiny: floats([4], 2) },
  })

test('[CMP-85] an ONNX file says its inputs, outputs, opsets, operators and weights, those in branches too', () => {
  const silero = readOnnxFile(bytesOf(MODEL_FILES.sileroV5))
  expect(silero).toMatchObject({
    irVersion: 8,
    producer: 'spox',
    opsets: [{ domain: '', version: 16 }],
    inputs: [
      { name: 'input', type: 'float32', shape: [null, null] },
      { name: 'state', type: 'float32', shape: [2, null, 128] },
      { name: 'sr', type: 'int64', shape: [] },
    ],
    outputs: [
      { name: 'output', type: 'float32', shape: [null, 1] },
      { name: 'stateN', type: 'float32' },
    ],
  })
  expect(silero.operators).toContain('LSTM')
  expect(silero.weights).toContainEqual(expect.objectContaining({ name: 'decoder.rnn.weight_hh', shape: [512, 128], bytes: 262_144 }))
  expect(readOnnxFile(small()).inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 32] }])
})

test('[CMP-85] taken apart into named tensors and put together again it is the same file', () => {
  for (const file of [bytesOf(MODEL_FILES.sileroV5), bytesOf(MODEL_FILES.sileroV6), small()]) {
    const { topology, tensors } = cutOnnxFile(file, readOnnxFile(file))
    expect(Buffer.compare(joinOnnxFile(JSON.parse(JSON.stringify(topology)) as JsonObject, tensors), file)).toBe(0)
  }
})

test('[CMP-85] a weight that two files share is one tensor with one digest, wherever it stands', async () => {
  const digests = async (file: Uint8Array) => {
    const { tensors } = await makePieces(cutOnnxFile(file, readOnnxFile(file)).tensors)
    return new Map(tensors.map(({ name, digest }) => [name, digest]))
  }
  const [v5, v6] = [await digests(bytesOf(MODEL_FILES.sileroV5)), await digests(bytesOf(MODEL_FILES.sileroV6))]
  expect([...v5.keys()]).toEqual([...v6.keys()])
  // the basis of the Fourier transform is not trained
  expect([...v5].filter(([name, digest]) => v6.get(name) === digest).map(([name]) => name)).toEqual([
    'stft.forward_basis_buffer',
    'stft.forward_basis_buffer#2',
  ])
})

test('[CMP-85] parts that do not make the file are refused by name', () => {
  const file = small()
  const { topology, tensors } = cutOnnxFile(file, readOnnxFile(file))
  const { kernel, graph } = tensors as Record<'kernel' | 'graph', TensorData>
  expect(codeOf(() => joinOnnxFile(topology, { graph }))).toBe('shape_mismatch')
  expect(codeOf(() => joinOnnxFile(topology, { graph, kernel, more: kernel }))).toBe('shape_mismatch')
  expect(codeOf(() => joinOnnxFile(topology, { graph, kernel: floats([3], 1) }))).toBe('invalid_document')
  expect(codeOf(() => joinOnnxFile({ ...topology, cuts: [{ at: 1e9, tensor: 'kernel' }] }, { graph, kernel }))).toBe('invalid_document')
  expect(codeOf(() => joinOnnxFile({}, { graph, kernel }))).toBe('invalid_document')
})

test('[CMP-86] what is no ONNX file is refused with the place and the reason', () => {
  const file = small()
  const cases: [Uint8Array, string | RegExp][] = [
    [new Uint8Array(), 'no graph'],
    [new Uint8Array(100), 'no field number'],
    [utf8('<!doctype html><html><body>Not found</body></html>'), /byte \d+/],
    [utf8('{"format":"graph-model"}'), /byte \d+/],
    [file.subarray(0, file.length - 40), /claims \d+ bytes where \d+ are left/],
    [Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), /claims \d+ bytes where 0 are left/],
    [Uint8Array.of(0x08, ...new Array<number>(11).fill(0xff)), 'more than 64 bits'],
  ]
  for (const [bytes, what] of cases) expect(() => readOnnxFile(bytes)).toThrow(what)
})

test('[CMP-86] any bytes, and any damaged file, are read or refused: never anything else', () => {
  const file = bytesOf(MODEL_FILES.sileroV5)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void codeOf(() => readOnnxFile(bytes))),
    { numRuns: 500 },
  )
  const spots = fc.array(fc.tuple(fc.nat(small().length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(spots, (changes) => {
      const bytes = small().slice()
      for (const [at, value] of changes) bytes[at] = value
      let read: ReturnType<typeof readOnnxFile>
      try {
        read = readOnnxFile(bytes)
      } catch (thrown) {
        // a weight may have become NaN
        expect(['invalid_document', 'shape_mismatch']).toContain((thrown as { code?: string }).code)
        return
      }
      const { topology, tensors } = cutOnnxFile(bytes, read)
      expect(Buffer.compare(joinOnnxFile(topology, tensors), bytes)).toBe(0)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.nat(file.length - 1), (length) => void codeOf(() => readOnnxFile(file.subarray(0, length)))),
    { numRuns: 20 },
  )
})

test('[CMP-86] graphs that lie in each other without end, weights in other files and shapes that lie are refused', () => {
  let graph = Uint8Array.of()
  const wrap = (field: number, inner: Uint8Array): Uint8Array<ArrayBuffer> => {
    const length: number[] = []
    for (let rest = inner.length; ; rest >>= 7) {
      if (rest < 0x80) {
        length.push(rest)
        break
      }
      length.push((rest & 0x7f) | 0x80)
    }
    return Uint8Array.of((field << 3) | 2, ...length, ...inner)
  }
  for (let i = 0; i < 200; i++) graph = wrap(1, wrap(5, wrap(6, graph)))
  expect(() => readOnnxFile(wrap(7, graph))).toThrow('deep')
  const lying = small()
  const at = Buffer.from(lying).indexOf(Buffer.from('kernel'), 60)
  // the shape stands before the name: 32, 64, then the type
  const shape = Buffer.from(lying).indexOf(Buffer.from([0x08, 32, 0x08, 64]), at - 20)
  lying[shape + 1] = 33
  expect(() => readOnnxFile(lying)).toThrow('8192 are there')
})

const half = (...values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer)
const singles = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer)
/** y = x + weight, the weight given as this tensor, which the file names `shift`; or as a constant, or in a branch. */
const shifted = (tensor: RawTensor, where: 'weight' | 'constant' | 'branch'): Uint8Array => {
  const port = { name: 'x', type: tensor.type, shape: [...tensor.shape] }
  const constant = { op: 'Constant', inputs: [], outputs: ['shift'], attributes: { value: { tensor } } }
  const branch = { nodes: [constant], outputs: [{ ...port, name: 'shift' }] }
  const nodes = {
    weight: [],
    constant: [constant],
    branch: [
      { op: 'If', inputs: ['flag'], outputs: ['shift'], attributes: { then_branch: { graph: branch }, else_branch: { graph: branch } } },
    ],
  }
  return writeOnnx({
    nodes: [...nodes[where], { op: 'Add', inputs: ['x', 'shift'], outputs: ['y'] }],
    inputs: [port, ...(where === 'branch' ? [{ name: 'flag', type: 'bool' as const, shape: [] }] : [])],
    outputs: [{ ...port, name: 'y' }],
    weights: where === 'weight' ? { shift: tensor } : {},
  })
}

test.each<[string, RawTensor, RawTensor]>([
  [
    '32-bit floats',
    { type: 'float32', shape: [3], field: 9, values: singles(1, Number.NaN, 2) },
    { type: 'float32', shape: [3], field: 9, values: singles(1, Number.NEGATIVE_INFINITY, 2) },
  ],
  [
    'floats as numbers of their own',
    { type: 'float32', shape: [2], field: 4, values: singles(1, Number.NaN) },
    { type: 'float32', shape: [2], field: 4, values: singles(1, Number.POSITIVE_INFINITY) },
  ],
  [
    '64-bit floats',
    { type: 'float64', shape: [2], field: 10, values: doubles(Number.NaN, 1) },
    { type: 'float64', shape: [2], field: 10, values: doubles(-1, 1) },
  ],
  [
    'halves',
    { type: 'float16', shape: [2], field: 9, values: half(0x3c00, 0x7e00) },
    { type: 'float16', shape: [2], field: 9, values: half(0x3c00, 0xfc00) },
  ],
  [
    'halves as whole numbers',
    // varints of 0x7e00 and of 0x7c00, an infinity
    { type: 'float16', shape: [1], field: 5, values: Uint8Array.of(0x80, 0xfc, 0x01) },
    { type: 'float16', shape: [1], field: 5, values: Uint8Array.of(0x80, 0xf8, 0x01) },
  ],
  [
    'brain floats',
    { type: 'bfloat16', shape: [2], field: 9, values: half(0x3f80, 0xffc0) },
    { type: 'bfloat16', shape: [2], field: 9, values: half(0x3f80, 0xff80) },
  ],
  [
    'whole numbers, which have no NaN',
    { type: 'float32', shape: [1], field: 9, values: singles(Number.NaN) },
    { type: 'int32', shape: [1], field: 9, values: singles(Number.NaN) },
  ],
])('[CMP-112] a weight that holds NaN is refused by name, wherever it stands: %s', (_, bad, good) => {
  for (const where of ['weight', 'constant', 'branch'] as const) {
    expect(() => readOnnxFile(shifted(bad, where))).toThrow(
      expect.objectContaining({
        code: 'shape_mismatch',
        detail: 'tensor shift must be numbers, got NaN',
        issues: [expect.objectContaining({ where: 'shift' })],
      }),
    )
    expect(readOnnxFile(shifted(good, where)).outputs).toHaveLength(1)
  }
})
