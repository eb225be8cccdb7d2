import { exactExp } from '../data/exact-math.ts'
import { answerWidth, type Forest, marginCount } from './forest.ts'

/** Rows that go through a tree before the next one: their values and margins stay in the cache. */
const BLOCK = 64

/**
 * Adds what the trees say of each row to its margins, in their order, as doubles: the same bits everywhere. `values` are row by row, or, where few trees meet many rows, better
 * column by column: rows then share the cache lines of what is asked.
 */
export function addMargins(forest: Forest, values: Float32Array, count: number, margins: Float64Array, byColumn = false): void {
  const { features, starts, feature, value, right } = forest
  const [ofRow, ofFeature] = byColumn ? [1, count] : [features, 1]
  const width = marginCount(forest)
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK)
    for (let tree = 0; tree < starts.length; tree++) {
      const root = starts[tree] as number
      for (let row = from, at = from * width + (tree % width); row < to; row++, at += width) {
        const offset = row * ofRow
        let node = root
        for (let asked = feature[node] as number; asked >= 0; asked = feature[node] as number)
          node = (values[offset + asked * ofFeature] as number) <= (value[node] as number) ? node + 1 : (right[node] as number)
        margins[at] = (margins[at] as number) + (value[node] as number)
      }
    }
  }
}

/** Where the margins of `count` rows start. */
export function baseMargins({ base }: Pick<Forest, 'base'>, count: number): Float64Array<ArrayBuffer> {
  const margins = new Float64Array(count * base.length)
  for (let i = 0; i < margins.length; i += base.length) margins.set(base, i)
  return margins
}

/**
 * What a forest answers: `rows` are [count, features], the answer [count, labels] with the probability of each label, or [count, 1] with the number. The same to the bit on
 * every engine, whatever the batch.
 */
export function predictForest(forest: Forest, rows: Float32Array, count: number): Float32Array<ArrayBuffer> {
  const margins = baseMargins(forest, count)
  addMargins(forest, rows, count, margins)
  if (forest.answer === 'number') return Float32Array.from(margins)
  const width = answerWidth(forest)
  const answers = new Float32Array(count * width)
  if (forest.answer === 'logistic') {
    for (let row = 0; row < count; row++) {
      const second = 1 / (1 + exactExp(-(margins[row] as number)))
      answers[2 * row] = 1 - second
      answers[2 * row + 1] = second
    }
    return answers
  }
  for (let at = 0; at < margins.length; at += width) {
    const sum = exponentials(margins, at, width)
    for (let i = at; i < at + width; i++) answers[i] = (margins[i] as number) / sum
  }
  return answers
}

/** Puts e^(margin - greatest margin) in place of each margin of a row, so that none overflows; gives their sum. */
export function exponentials(margins: Float64Array, at: number, width: number): number {
  let greatest = Number.NEGATIVE_INFINITY
  for (let i = at; i < at + width; i++) greatest = Math.max(greatest, margins[i] as number)
  let sum = 0
  for (let i = at; i < at + width; i++) sum += margins[i] = exactExp((margins[i] as number) - greatest)
  return sum
}
