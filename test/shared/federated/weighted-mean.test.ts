import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { normFacts } from '../../../shared/federated/norm-facts.ts'
import { checkUpdate, difference, l2Norm, scaled } from '../../../shared/federated/update.ts'
import { applyDelta, startWeightedMean } from '../../../shared/federated/weighted-mean.ts'
import type { NamedTensors, TensorData } from '../../../shared/tensor/tensor.ts'

const weights = [
  { name: 'a', shape: [2, 3] },
  { name: 'b', shape: [4] },
]
const tensor = (shape: readonly number[], values: readonly number[]): TensorData => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
})
const update = (values: readonly number[]): NamedTensors => ({ a: tensor([2, 3], values.slice(0, 6)), b: tensor([4], values.slice(6, 10)) })
const valuesOf = (tensors: NamedTensors): number[] => Object.values(tensors).flatMap(({ data }) => [...data])
const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 10, maxLength: 10 })

describe('weighted mean', () => {
  test('[FED-3] is the mean of the clipped updates by their examples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(values, fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0.1, max: 300, noNaN: true }),
        (updates, clipNorm) => {
          const mean = startWeightedMean(weights, clipNorm)
          const expected = new Float64Array(10)
          let total = 0
          for (const [list, examples] of updates) {
            const norm = Math.sqrt(Float32Array.from(list).reduce((sum, value) => sum + value * value, 0))
            const factor = norm > clipNorm ? clipNorm / norm : 1
            Float32Array.from(list).forEach((value, i) => {
              expected[i] = (expected[i] ?? 0) + value * factor * examples
            })
            total += examples
            expect(mean.add(update(list), examples)).toBeCloseTo(norm, 4)
          }
          const found = valuesOf(mean.mean())
          found.forEach((value, i) => expect(value).toBeCloseTo((expected[i] ?? 0) / total, 3))
          expect(l2Norm(mean.mean())).toBeLessThanOrEqual(clipNorm * (1 + 1e-5))
        },
      ),
    )
  })

  test('[FED-4] one hostile update, however scaled, moves the mean by no more than its share of the bound', () => {
    const random = seededRandom(4)
    const honest = Array.from({ length: 19 }, () => Array.from({ length: 10 }, () => 0.1 * normal(random)))
    const meanWith = (last: readonly number[]) => {
      const mean = startWeightedMean(weights, 1)
      for (const one of [...honest, last]) mean.add(update(one), 10)
      return mean.mean()
    }
    const clean = meanWith(new Array<number>(10).fill(0))
    for (const scale of [1, 1e6, 3e38]) {
      const moved = l2Norm(difference(clean, meanWith(new Array<number>(10).fill(scale))))
      expect(moved).toBeLessThanOrEqual(1 / 20 + 1e-6)
    }
  })

  test('[FED-5] the base moves by the mean; what would leave float32 is not finite', () => {
    const base = { ...update([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), steps: { dtype: 'int32', shape: [1], data: Int32Array.of(7) } as TensorData }
    const delta = update(new Array<number>(10).fill(0.5))
    const after = applyDelta(base, delta)
    expect(valuesOf(after)).toEqual([1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 7])
    expect(valuesOf(difference(base, after))).toEqual(new Array(10).fill(0.5))
    const huge = update(new Array<number>(10).fill(3e38))
    expect(() => applyDelta(huge, huge)).toThrow(expect.objectContaining({ code: 'output_not_finite' }))
    expect(() => startWeightedMean(weights, 1).mean()).toThrow(expect.objectContaining({ code: 'conflict' }))
  })
})

describe('checking an update', () => {
  const good = update([3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
  const check = (tensors: NamedTensors, examples: string | undefined = '12') =>
    checkUpdate(tensors, { examples, weights, clipNorm: 5, maxExamples: 100 })

  test('[FED-6] refuses other tensors, shapes and types, values that are not finite, and no number of examples', () => {
    expect(check(good)).toEqual({ ok: true, value: { norm: 5, clipped: false, examples: 12 } })
    const refused: [NamedTensors, string][] = [
      [{ a: must(good['a'], 'a') }, 'shape_mismatch'],
      [{ ...good, c: tensor([1], [0]) }, 'shape_mismatch'],
      [{ ...good, b: tensor([2, 2], [0, 0, 0, 0]) }, 'shape_mismatch'],
      [{ ...good, b: { dtype: 'int32', shape: [4], data: new Int32Array(4) } }, 'shape_mismatch'],
      [{ ...good, b: tensor([4], [0, Number.NaN, 0, 0]) }, 'output_not_finite'],
      [{ ...good, b: tensor([4], [0, 0, Infinity, 0]) }, 'output_not_finite'],
    ]
    for (const [tensors, code] of refused) expect(check(tensors)).toMatchObject({ ok: false, error: { code } })
    for (const examples of ['', '0', '-3', '1.5', '1e99', 'many'])
      expect(check(good, examples)).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    expect(checkUpdate(good, { examples: undefined, weights, clipNorm: 5, maxExamples: 100 })).toMatchObject({
      ok: false,
      error: { code: 'invalid_input' },
    })
  })

  test('[FED-7] nobody weighs more than the plan allows; what is larger than the bound is known to be clipped', () => {
    expect(check(good, '1000000')).toMatchObject({ ok: true, value: { examples: 100 } })
    expect(check(scaled(good, 2))).toMatchObject({ ok: true, value: { norm: 10, clipped: true } })
    expect(check(scaled(good, 1.000001))).toMatchObject({ ok: true, value: { clipped: false } })
    expect(normFacts([4, 1, 9, 2], 5)).toEqual({ updates: 4, clipped: 1, least: 1, median: 2, most: 9 })
    expect(normFacts([], 5)).toBeNull()
  })
})
