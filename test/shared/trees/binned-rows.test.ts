import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { binOf, cutsOf } from '../../../shared/trees/bin-cuts.ts'
import { binRows, codeOf } from '../../../shared/trees/binned-rows.ts'
import { type GrownTree, treeGrower } from '../../../shared/trees/grow-tree.ts'
import { sparseFeatures } from '../../../shared/trees/sparse-features.ts'
import { RULES } from './learning-rows.ts'

const pace = () => undefined

/** Columns of many kinds: constant, dense, rare (of either sign), and a one-hot place. */
function rowsOf(seed: number, count: number): { rows: Float32Array; features: number } {
  const random = seededRandom(seed)
  const features = 9
  const rows = new Float32Array(count * features)
  for (let row = 0; row < count; row++) {
    const place = random.integer(4)
    const rare = random.uniform() < 0.1 ? random.integer(7) - 3 : 0
    const filled = [5, random.uniform() - 0.5, random.integer(3), rare, random.uniform() < 0.05 ? random.uniform() : 0]
    rows.set([...filled, ...[0, 1, 2, 3].map((one) => (one === place ? 1 : 0))], row * features)
  }
  return { rows, features }
}

test('[CMP-115] every value stands in the bin that its cuts give it, alone in a column or with others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 2, max: 255 }), async (seed, count, bins) => {
      const { rows, features } = rowsOf(seed, count)
      const { columns } = await binRows(rows, features, bins, async () => {})
      const seen = new Set<number>()
      for (const { codes, features: own, size } of columns) {
        expect(codes.every((code) => code < size)).toBe(true)
        for (const binned of own) {
          const { feature, cuts } = binned
          expect(seen.has(feature)).toBe(false)
          seen.add(feature)
          expect(cuts.length).toBeLessThan(bins)
          expect([...cuts]).toEqual([...new Set(cuts)].sort((a, b) => a - b))
          const inColumn = new Set(Array.from({ length: cuts.length + 1 }, (_, bin) => codeOf(binned, bin)))
          for (let row = 0; row < count; row++) {
            const wanted = codeOf(binned, binOf(must(rows[row * features + feature], 'a value'), cuts))
            // another feature's code, where this one is zero
            if (!inColumn.has(must(codes[row], 'a code'))) expect(wanted).toBe(0)
            else expect(codes[row]).toBe(wanted)
          }
        }
      }
      // what is left out has one value
      for (let feature = 0; feature < features; feature++) {
        const values = new Set(Array.from({ length: count }, (_, row) => rows[row * features + feature]))
        expect(seen.has(feature)).toBe(values.size > 1)
      }
    }),
    { numRuns: 60 },
  )
})

test('[CMP-115] bins hold about equally many rows, a frequent value its own, and zeros that are not listed count', () => {
  const random = seededRandom(3)
  const values = Float32Array.from({ length: 10_000 }, () => random.uniform() ** 3)
  const cuts = cutsOf(values, 50)
  const counts = new Int32Array(50)
  for (const value of values) counts[binOf(value, cuts)] = (counts[binOf(value, cuts)] ?? 0) + 1
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(40)
  const listed = values.filter((value) => value > 0.5)
  const withZeros = Float32Array.from([...listed, ...new Float32Array(30_000)])
  expect(cutsOf(listed, 20, 30_000)).toEqual(cutsOf(withZeros, 20))
  // most rows are zero, which leaves the other bins to the rest
  expect(cutsOf(withZeros, 20).length).toBeGreaterThan(15)
  expect([...cutsOf(Float32Array.of(2, 1, 2), 9)]).toEqual([1.5])
  // the largest value is the frequent one
  expect([...cutsOf(Float32Array.of(0, 1, 2, 2, 2, 2, 2), 2)]).toEqual([1.5])
  const next = Math.fround(1 + 2 ** -23)
  expect([...cutsOf(Float32Array.of(1, next), 9)]).toEqual([1])
})

test('[CMP-115] lists of what is not zero are the same however few fit at a time', async () => {
  const { rows, features } = rowsOf(8, 300)
  const listsOf = async (most: number) => {
    const [sparse, dense]: [Record<number, unknown>, number[]] = [{}, []]
    for await (const part of sparseFeatures(rows, features, pace, most)) {
      dense.push(...part.dense)
      for (const { feature, ...list } of part.sparse) sparse[feature] = { rows: [...list.rows], values: [...list.values] }
    }
    return { sparse, dense }
  }
  const whole = await listsOf(1e6)
  expect(whole.dense).toEqual([0, 1, 2])
  expect(Object.keys(whole.sparse)).toHaveLength(6)
  for (const most of [0, 50, 100]) expect(await listsOf(most)).toEqual(whole)
})

test('[CMP-115] where no histogram may be kept the same tree grows', async () => {
  const { rows, features } = rowsOf(9, 2000)
  const binned = await binRows(rows, features, 255, async () => {})
  const random = seededRandom(10)
  const derivatives = {
    gradient: Float32Array.from(
      { length: 2000 },
      (_, row) => random.uniform() - (rows[row * features + 1] ?? 0) * (rows[row * features + 2] ?? 0),
    ),
    hessian: new Float32Array(2000).fill(1),
  }
  const grow = (keptBytes: number, leaves?: number): Promise<GrownTree> =>
    treeGrower(binned, keptBytes).grow(
      Int32Array.from({ length: 2000 }, (_, i) => i),
      {
        all: true,
        allowed: new Uint8Array(features).fill(1),
        derivatives,
        rules: { ...RULES, depth: 7, leastChildWeight: 20, leaves },
        pace,
      },
    )
  const shape = ({ nodes }: GrownTree) => nodes.map(({ from, to, split }) => [from, to, split?.feature.feature, split?.bin])
  for (const leaves of [undefined, 30]) {
    const kept = await grow(1 << 26, leaves)
    expect(kept.nodes.length).toBeGreaterThan(40)
    expect(shape(await grow(0, leaves))).toEqual(shape(kept))
  }
})
