import { describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { type Forest, firstTrees } from '../../../shared/trees/forest.ts'
import { encodeForest } from '../../../shared/trees/forest-file.ts'
import { pacedBy } from '../../../shared/trees/pace.ts'
import { predictForest } from '../../../shared/trees/predict-forest.ts'
import type { TreeRows } from '../../../shared/trees/train-forest.ts'
import { FEATURES, grown, mixedRows, RULES } from './learning-rows.ts'

/** Depends on all kinds of columns, some of them together. */
const wave = ([a = 0, b = 0, c = 0, d = 0, , , rare = 0]: readonly number[], noise: number) =>
  Math.sin(2 * a) + (c === 1 ? b : -b / 3) + 2 * d * a + rare + 0.1 * noise
const rmse = (forest: Forest, { values, labels }: TreeRows): number => {
  const answers = predictForest(forest, values, labels.length)
  return Math.sqrt(answers.reduce((sum, value, i) => sum + (value - must(labels[i], 'a label')) ** 2, 0) / labels.length)
}

/** One tree by trying every threshold of every feature on every node, in the words of the papers: sums over rows, no bins, no shared columns, no subtraction. */
function exhaustive({ values, labels }: TreeRows, mean: number, depth: number, leastChildWeight: number): Map<number, number> {
  const { lambda, rate } = RULES
  const answers = new Map<number, number>()
  const gradient = (row: number): number => mean - must(labels[row], 'a label')
  const score = (rows: readonly number[]): number => rows.reduce((sum, row) => sum + gradient(row), 0) ** 2 / (rows.length + lambda)
  const split = (rows: readonly number[], level: number): void => {
    let best = { gain: 1e-9, sides: undefined as [number[], number[]] | undefined }
    for (let feature = 0; level < depth && feature < FEATURES; feature++) {
      const at = (row: number): number => must(values[row * FEATURES + feature], 'a value')
      for (const threshold of new Set(rows.map(at))) {
        const sides: [number[], number[]] = [rows.filter((row) => at(row) <= threshold), rows.filter((row) => at(row) > threshold)]
        if (sides.some(({ length }) => length < leastChildWeight)) continue
        const gain = score(sides[0]) + score(sides[1]) - score(rows)
        if (gain > best.gain * (1 + 1e-9)) best = { gain, sides }
      }
    }
    if (best.sides !== undefined) for (const side of best.sides) split(side, level + 1)
    else {
      const value = -rows.reduce((sum, row) => sum + gradient(row), 0) / (rows.length + lambda)
      for (const row of rows) answers.set(row, mean + rate * value)
    }
  }
  split(
    [...(labels as Float32Array)].map((_, row) => row),
    0,
  )
  return answers
}

describe('boosted trees', () => {
  test.each([
    [1, 1],
    [3, 1],
    [4, 5],
    [6, 12],
  ])('[CMP-115] a tree of depth %i with %i rows a leaf asks what trying every question finds best', async (depth, leastChildWeight) => {
    const rows = mixedRows(180, depth, wave)
    const { forest } = await grown(rows, { rounds: 1, depth, leastChildWeight })
    const answers = predictForest(forest, rows.values, 180)
    const wanted = exhaustive(rows, must(forest.base[0], 'a base'), depth, leastChildWeight)
    for (const [row, value] of wanted) expect(Math.abs(must(answers[row], 'an answer') - value)).toBeLessThan(1e-4)
  })

  test('[CMP-115] few bins cost little, many rounds learn what depends on several columns, and the loss that is told is that of the forest', async () => {
    const [rows, unseen] = [mixedRows(3000, 1, wave), mixedRows(1000, 2, wave)]
    const { forest, rounds } = await grown(rows, { rounds: 60 }, { validation: unseen })
    const [fewBins] = [await grown(rows, { rounds: 60, bins: 24 })]
    expect(rmse(forest, unseen)).toBeLessThan(0.3)
    expect(rmse(fewBins.forest, unseen)).toBeLessThan(0.4)
    const last = must(rounds.at(-1), 'a round')
    expect(Math.sqrt(last.train.loss / 3000)).toBeCloseTo(rmse(forest, rows), 5)
    expect(Math.sqrt(must(last.validation, 'a validation').loss / 1000)).toBeCloseTo(rmse(forest, unseen), 5)
    const tenth = must(rounds[9], 'a round')
    expect(Math.sqrt(tenth.train.loss / 3000)).toBeCloseTo(rmse(firstTrees(forest, 10), rows), 5)
  })

  test('[CMP-115] a limit on leaves takes the best splits first, a least gain and a pull to 0 leave fewer and smaller leaves', async () => {
    const rows = mixedRows(800, 4, wave)
    const leavesOf = ({ feature }: Forest) => feature.filter((asked) => asked < 0).length
    const whole = await grown(rows, { rounds: 1, depth: 8 })
    const few = await grown(rows, { rounds: 1, depth: 8, leaves: 6 })
    expect(leavesOf(few.forest)).toBe(6)
    const level = await grown(rows, { rounds: 1, depth: 2 })
    expect(leavesOf(level.forest)).toBe(4)
    const none = await grown(rows, { rounds: 1, leastGain: 1e9 })
    expect(leavesOf(none.forest)).toBe(1)
    const some = await grown(rows, { rounds: 1, depth: 8, leastGain: 5 })
    expect(leavesOf(some.forest)).toBeLessThan(leavesOf(whole.forest) / 2)
    const pulled = await grown(rows, { rounds: 1, depth: 2, lambda: 1e6 })
    expect(Math.max(...pulled.forest.value.filter((_, i) => pulled.forest.feature[i] === -1).map(Math.abs))).toBeLessThan(1e-3)
    // the order in which a tree without a limit grows changes nothing but rounding
    const byGain = await grown(rows, { rounds: 1, depth: 8, leaves: 100_000 })
    expect([...byGain.forest.feature]).toEqual([...whole.forest.feature])
  })

  test('[CMP-116] the same options give the same bits, another seed other samples, and a break changes nothing', async () => {
    const [rows, unseen] = [mixedRows(600, 5, wave), mixedRows(200, 6, wave)]
    const sampled = { rounds: 12, rowShare: 0.6, columnShare: 0.7 }
    const whole = await grown(rows, sampled, { validation: unseen })
    expect(encodeForest((await grown(rows, sampled)).forest)).toEqual(encodeForest(whole.forest))
    expect((await grown(rows, sampled, { seed: 2 })).forest).not.toEqual(whole.forest)
    for (const done of [1, 5, 11, 12]) {
      const rest = await grown(rows, sampled, { initial: firstTrees(whole.forest, done), done, validation: unseen })
      expect(rest.forest).toEqual(whole.forest)
      expect(rest.rounds).toEqual(whole.rounds.slice(done))
    }
    // of many trees, whose margins are made up some rows at a time
    const many = { rounds: 230, depth: 2 }
    const long = await grown(rows, many)
    expect((await grown(rows, many, { initial: firstTrees(long.forest, 222), done: 222 })).forest).toEqual(long.forest)
    // what each round sees is a part
    const one = await grown(rows, { ...sampled, rounds: 1, columnShare: 0.01 })
    expect(new Set(one.forest.feature.filter((asked) => asked >= 0)).size).toBe(1)
  })

  test('[CMP-117] labels get probabilities, also more than two, weighed by class; absolute errors give medians', async () => {
    const kind = ([a = 0, b = 0]: readonly number[]) => (a > 0.3 ? 2 : b > 2 ? 1 : 0)
    const [rows, unseen] = [mixedRows(1500, 7, kind), mixedRows(500, 8, kind)]
    const three = await grown(rows, { loss: 'cross-entropy' }, { classes: 3 })
    const answers = predictForest(three.forest, unseen.values, 500)
    const right = Array.from({ length: 500 }, (_, i) => {
      const own = [...answers.subarray(3 * i, 3 * i + 3)]
      expect(own.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      return own.indexOf(Math.max(...own)) === unseen.labels[i]
    }).filter(Boolean).length
    expect(right).toBeGreaterThan(495)
    expect(three.rounds.at(-1)?.train).toMatchObject({ right: 1500, count: 1500 })

    // nothing tells the labels apart: probabilities are their shares, of what the weights make of them
    const coin = mixedRows(4000, 9, (_row, noise) => (noise > 0.6745 ? 1 : 0))
    const share = async (classWeights?: number[]) => {
      const { forest } = await grown(coin, { loss: 'cross-entropy', rounds: 5, depth: 1 }, { classes: 2, classWeights })
      const p = predictForest(forest, coin.values, 4000)
      return p.reduce((sum, value, i) => sum + (i % 2 === 1 ? value : 0), 0) / 4000
    }
    expect(await share()).toBeCloseTo(0.25, 1)
    expect(await share([1, 3])).toBeCloseTo(0.5, 1)

    // one in three is far off: the mean moves, the median does not
    const spoilt = mixedRows(2000, 10, ([a = 0], noise) => (noise > 0.43 ? 100 : a > 0 ? 2 : 1))
    const middle = await grown(spoilt, { loss: 'absolute-error', rounds: 40, depth: 2, leastChildWeight: 200 })
    const medians = predictForest(middle.forest, spoilt.values, 2000)
    for (let i = 0; i < 2000; i++) {
      const a = must(spoilt.values[i * FEATURES], 'a')
      if (Math.abs(a) > 0.05) expect(medians[i]).toBeCloseTo(a > 0 ? 2 : 1, 1)
    }
  })

  test('[CMP-118] training lets its thread do other work, tells each round, ends when told to, and at once when aborted', async () => {
    const rows = mixedRows(70_000, 11, wave)
    const controller = new AbortController()
    let ticks = 0
    const timer = setInterval(() => {
      if (++ticks === 20) controller.abort()
    }, 1)
    const pace = pacedBy(systemClock, controller.signal)
    await expect(grown(rows, { rounds: 1000 }, { pace })).rejects.toMatchObject({ code: 'aborted' })
    clearInterval(timer)
    expect(ticks).toBeGreaterThanOrEqual(20)
    const rounds: number[] = []
    const few = mixedRows(200, 12, wave)
    const { forest } = await grown(few, {}, { afterRound: async ({ round }) => (rounds.push(round) === 3 ? 'stop' : 'go on') })
    expect([rounds, forest.starts.length]).toEqual([[1, 2, 3], 3])
  })

  test('[CMP-118] a loss or a row that is not finite ends training with its code', async () => {
    const rows = mixedRows(50, 13, wave)
    const labels = Float32Array.from(rows.labels)
    labels[3] = Number.NaN
    await expect(grown({ values: rows.values, labels }, {})).rejects.toMatchObject({ code: 'training_diverged' })
    const values = Float32Array.from(rows.values)
    values[20] = Number.POSITIVE_INFINITY
    await expect(grown({ values, labels: rows.labels }, {})).rejects.toMatchObject({
      code: 'training_diverged',
      detail: expect.stringMatching(/not finite/),
    })
  })
})
