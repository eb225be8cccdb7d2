import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { assembleTensors, makePieces } from '../../../shared/tensor/pieces.ts'
import { makeTensor, type TensorData } from '../../../shared/tensor/tensor.ts'
import { arbitraryTensors } from './arbitrary-tensors.ts'

const KB = 1024
const SIZES = { min: KB, max: 4 * KB }

const random = seededRandom(7)
const filled = (bytes: number): TensorData => makeTensor('uint8', [bytes], random.bytes(bytes))

test('[TEN-4] pieces hold whole tensors, keep layers together, and only a lone large tensor is above the limit', async () => {
  const layers = fc.array(fc.array(fc.integer({ min: 1, max: 6 * KB }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(layers, async (sizes) => {
      const tensors = Object.fromEntries(sizes.flatMap((layer, i) => layer.map((bytes, j) => [`layer_${i}/w${j}`, filled(bytes)] as const)))
      const { pieces, tensors: table } = await makePieces(tensors, SIZES)
      for (const [index, piece] of pieces.entries()) {
        const members = table.filter((entry) => entry.piece === index)
        expect(piece.bytes.length).toBe(members.reduce((sum, entry) => sum + entry.bytes, 0))
        if (members.length > 1) expect(piece.bytes.length).toBeLessThanOrEqual(SIZES.max)
      }
      for (const [i, layer] of sizes.entries()) {
        const total = layer.reduce((a, b) => a + b, 0)
        const used = new Set(table.filter((entry) => entry.name.startsWith(`layer_${i}/`)).map((entry) => entry.piece))
        if (total <= SIZES.max) expect(used.size).toBe(1)
      }
    }),
    { numRuns: 50 },
  )
})

test('[TEN-5] the pieces give back every tensor, whatever its dtype and shape', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTensors, async (tensors) => {
      const made = await makePieces(tensors, { min: 8, max: 64 })
      const back = await assembleTensors(
        made.tensors,
        made.pieces.map((piece) => piece.bytes),
      )
      expect(back).toEqual({ ...tensors })
    }),
    { numRuns: 60 },
  )
})

test('[TEN-5] names the tensor whose bytes were altered, and the piece that is missing or cut', async () => {
  const { pieces, tensors } = await makePieces({ 'a/w': filled(10), 'b/w': filled(10) })
  const bytes = must(pieces[0], 'a piece').bytes
  const altered = bytes.slice()
  altered[12] = must(altered[12], 'a byte') ^ 1
  await expect(assembleTensors(tensors, [altered])).rejects.toMatchObject({ code: 'digest_mismatch', issues: [{ where: 'b/w' }] })
  await expect(assembleTensors(tensors, [bytes.subarray(0, 15)])).rejects.toMatchObject({ code: 'truncated' })
  await expect(assembleTensors(tensors, [])).rejects.toMatchObject({ code: 'truncated' })
  await expect(assembleTensors([...tensors, must(tensors[0], 'an entry')], [bytes])).rejects.toMatchObject({ code: 'invalid_document' })
})

test('[TEN-6] a new version that changes the last layer shares every piece before it with the old one', async () => {
  const body = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`layer_${i}/w`, filled(1500)]))
  const before = await makePieces({ ...body, 'head/w': filled(300) }, SIZES)
  const after = await makePieces({ ...body, 'head/w': filled(300) }, SIZES)
  const digests = (made: typeof before) => made.pieces.map((piece) => piece.digest)
  expect(digests(after).slice(0, -1)).toEqual(digests(before).slice(0, -1))
  expect(digests(after).at(-1)).not.toBe(digests(before).at(-1))
  expect(before.pieces.length).toBeGreaterThan(2)
  expect(before.tensors.at(-1)).toMatchObject({ name: 'head/w', offset: 0 })
})

test('[TEN-4] pieces are of 1 to 4 MB unless told otherwise', async () => {
  const tensors = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`layer_${i}/w`, makeTensor('uint8', [700 * KB], new Uint8Array(700 * KB).fill(i))]),
  )
  const { pieces } = await makePieces({ ...tensors, 'large/w': makeTensor('uint8', [5 * KB * KB], new Uint8Array(5 * KB * KB)) })
  expect(pieces.map((piece) => piece.bytes.length / KB)).toEqual([1400, 1400, 1400, 1400, 5 * KB])
})
