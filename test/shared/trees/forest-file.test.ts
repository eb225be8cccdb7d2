import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { decodeSafetensors, encodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { NamedTensors, TensorData } from '../../../shared/tensor/tensor.ts'
import { type Forest, FOREST_ANSWERS } from '../../../shared/trees/forest.ts'
import { decodeForest, encodeForest } from '../../../shared/trees/forest-file.ts'
import { predictForest } from '../../../shared/trees/predict-forest.ts'
import { randomForest, rowsFor } from './random-forest.ts'

/** What a row gets by the definition: walked tree by tree, summed, turned into probabilities. */
function answerOf(forest: Forest, row: Float32Array): number[] {
  const sums = [...forest.base]
  for (const [tree, start] of forest.starts.entries()) {
    let node = start
    while ((forest.feature[node] ?? 0) >= 0)
      node = (row[forest.feature[node] ?? 0] ?? 0) <= (forest.value[node] ?? 0) ? node + 1 : (forest.right[node] ?? 0)
    sums[tree % sums.length] = (sums[tree % sums.length] ?? 0) + (forest.value[node] ?? 0)
  }
  if (forest.answer === 'number') return sums
  const odds = forest.answer === 'logistic' ? [1, Math.exp(sums[0] ?? 0)] : sums.map(Math.exp)
  return odds.map((one) => one / odds.reduce((a, b) => a + b))
}

describe('a forest as a file', () => {
  test('[CMP-114] written and read again it answers the same to the bit, and what the definition says', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...FOREST_ANSWERS), fc.constantFrom(3, 300), (seed, answer, features) => {
        const forest = randomForest(seed, answer, features)
        const { topology, tensors } = encodeForest(forest)
        const read = decodeForest({
          topology: JSON.parse(JSON.stringify(topology)) as JsonObject,
          tensors: decodeSafetensors(encodeSafetensors(tensors, {})).tensors,
        })
        expect(read).toEqual(forest)
        const rows = rowsFor(forest, 7, seededRandom(seed))
        const answers = predictForest(read, rows, 7)
        const width = answers.length / 7
        for (let row = 0; row < 7; row++) {
          const one = rows.subarray(row * features, (row + 1) * features)
          const wanted = answerOf(forest, one)
          for (const [i, value] of wanted.entries()) expect(answers[row * width + i]).toBeCloseTo(value, 5)
          // whatever the batch
          expect([...predictForest(read, one, 1)]).toEqual([...answers.subarray(row * width, (row + 1) * width)])
        }
      }),
      { numRuns: 200 },
    )
  })

  test('[CMP-114] any change of its numbers is refused as invalid_document with its place, or gives a forest whose walks end', () => {
    const edit = fc.record({
      name: fc.constantFrom('trees/base', 'trees/start', 'trees/feature', 'trees/skip', 'trees/value'),
      at: fc.nat(),
      value: fc.oneof(fc.integer({ min: -3, max: 60 }), fc.integer(), fc.constantFrom(Number.NaN, Infinity)),
    })
    let [refused, taken] = [0, 0]
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...FOREST_ANSWERS), fc.array(edit, { minLength: 1, maxLength: 3 }), (seed, answer, edits) => {
        const { topology, tensors } = encodeForest(randomForest(seed, answer))
        const changed: Record<string, TensorData> = { ...tensors }
        for (const { name, at, value } of edits) {
          const tensor = changed[name] as TensorData
          const data = tensor.dtype === 'uint8' ? Int32Array.from(tensor.data) : tensor.data.slice()
          data[at % data.length] = value
          changed[name] = { dtype: tensor.dtype === 'uint8' ? 'int32' : tensor.dtype, shape: tensor.shape, data }
        }
        let forest: Forest
        try {
          forest = decodeForest({ topology, tensors: changed })
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'invalid_document', issues: [{ where: expect.stringMatching(/^trees\//) }] })
          refused++
          return
        }
        taken++
        predictForest(forest, rowsFor(forest, 3, seededRandom(seed)), 3)
      }),
      { numRuns: 1000 },
    )
    expect(Math.min(refused, taken)).toBeGreaterThan(100)
  })

  test('[CMP-114] what is missing, of another kind or size, or too much is refused by name', () => {
    const { topology, tensors } = encodeForest(randomForest(3, 'softmax'))
    const refusal = (change: { topology?: JsonObject; tensors?: NamedTensors }): string => {
      try {
        decodeForest({ topology: { ...topology, ...change.topology }, tensors: { ...tensors, ...change.tensors } })
      } catch (thrown) {
        if (thrown instanceof AppError && thrown.code === 'invalid_document') return thrown.detail
        throw thrown
      }
      return 'taken'
    }
    const ints = (...data: number[]): TensorData => ({ dtype: 'int32', shape: [data.length], data: Int32Array.from(data) })
    expect(refusal({})).toBe('taken')
    expect(refusal({ topology: { objective: 'sum' } })).toMatch(/topology\.objective/)
    expect(refusal({ topology: { features: 0 } })).toMatch(/topology\.features/)
    expect(refusal({ topology: { classes: 1 } })).toMatch(/topology\.classes is 1, which does not go with softmax/)
    expect(refusal({ topology: { script: 'x' } })).toMatch(/topology/)
    expect(refusal({ topology: { classes: 4 } })).toMatch(/trees\/base has another shape/)
    expect(refusal({ tensors: { 'trees/start': ints() } })).toMatch(/trees\/start names 0 trees/)
    expect(refusal({ tensors: { 'trees/start': ints(0, 0, 0) } })).toMatch(/trees\/start/)
    expect(refusal({ tensors: { 'trees/skip': ints(0) } })).toMatch(/trees\/skip has another shape/)
    expect(refusal({ tensors: { 'trees/value': ints(0) } })).toMatch(/trees\/value is int32/)
    expect(refusal({ tensors: { 'dense/kernel': ints(0) } })).toMatch(/dense\/kernel is no part of a forest/)
    const { 'trees/base': _, ...rest } = tensors
    expect(() => decodeForest({ topology, tensors: rest })).toThrow(/trees\/base is missing/)
  })
})
