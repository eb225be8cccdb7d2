import { allFinite } from '../compute/finite.ts'
import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { binRows } from './binned-rows.ts'
import { type BoostingLoss, bestConstant, type LossPass, lossPass, type LossTotals, median, type Targets } from './boosting-loss.ts'
import { type Forest, marginCount } from './forest.ts'
import { forestBuilder } from './forest-builder.ts'
import { type GrownTree, treeGrower, type TreeRules } from './grow-tree.ts'
import type { Derivatives } from './histogram.ts'
import type { Pace } from './pace.ts'
import { addMargins, baseMargins } from './predict-forest.ts'

/** Rows of `features` values each, and what is to be learnt of them: numbers of labels, or numbers. */
export type TreeRows = { readonly values: Float32Array; readonly labels: ArrayLike<number> }

export type ForestRules = TreeRules & {
  readonly loss: BoostingLoss
  /** Boosting rounds: a tree each, or with more than two labels a tree for each of them. */
  readonly rounds: number
  /** Shrinkage: the share of its best value that a leaf adds (Friedman 2001, section 5). */
  readonly rate: number
  /** Shares of rows and of features, drawn anew for each round, that its trees see (Friedman 2002; Chen & Guestrin 2016, section 2.3). */
  readonly rowShare: number
  readonly columnShare: number
  readonly bins: number
}

export type Round = { readonly round: number; readonly train: LossTotals; readonly validation: LossTotals | undefined }

export type TrainForestOptions = {
  readonly rules: ForestRules
  readonly features: number
  /** Labels; 0 for numbers. */
  readonly classes: number
  readonly train: TreeRows
  readonly validation?: TreeRows | undefined
  /** A factor of the loss for each label. */
  readonly classWeights?: readonly number[] | undefined
  /** Trees to go on from. */
  readonly initial?: Forest | undefined
  /** How many rounds of this training are among those: it goes on after them, to the same bits as without a break. */
  readonly done?: number
  readonly seed: number
  readonly pace: Pace
  /** After each round. `forest` is that of now. Training ends well, with fewer rounds, where it says 'stop'. */
  readonly afterRound: (round: Round, forest: () => Forest) => Promise<'go on' | 'stop'>
}

/** Rows, or walks of one through a tree, between two looks at the event loop. */
const STRETCH = 1 << 16
/** Bytes of validation rows of which a copy by columns is made, which is walked several times as fast; more would cost memory that a step may lack. */
const MOST_TURNED = 256 * 1024 * 1024

/** The random source of a round does not depend on the rounds before. */
const randomOf = (seed: number, round: number): Random => seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b))

/** A share of the numbers below `count`, one at least, and the others, both ascending (Knuth, The Art of Computer Programming 2, algorithm S). */
function draw(count: number, share: number, random: Random): { readonly taken: Int32Array; readonly rest: Int32Array } {
  const wanted = Math.min(count, Math.max(1, Math.round(count * share)))
  const [taken, rest] = [new Int32Array(wanted), new Int32Array(count - wanted)]
  let have = 0
  for (let i = 0; i < count; i++) {
    if (random.uniform() * (count - i) < wanted - have) taken[have++] = i
    else rest[i - have] = i
  }
  return { taken, rest }
}

/** Gives each leaf the median of what is left of its rows, which is what absolute errors ask for (Friedman 2001, algorithm 3). */
function setMedians({ nodes }: GrownTree, rows: Int32Array, labels: ArrayLike<number>, margins: Float64Array): void {
  for (const node of nodes) {
    if (node.split !== undefined) continue
    const left = Float64Array.from({ length: node.to - node.from }, (_, i) => {
      const row = rows[node.from + i] as number
      return (labels[row] as number) - (margins[row] as number)
    })
    node.value = median(left)
  }
}

/**
 * Gradient boosting of trees over histograms, with second derivatives (Friedman 2001; Chen & Guestrin 2016; Ke et al. 2017). The same options give the same bits. Lets others of its
 * thread have their turn. Throws aborted, training_diverged for a loss or a row that is not finite, and what `afterRound` throws.
 */
export async function trainForest(options: TrainForestOptions): Promise<Forest> {
  const { rules, features, classes, train, validation, classWeights, seed, pace, done = 0 } = options
  // what is not a number is on no side of a threshold
  if (!allFinite(train.values)) throw new AppError('training_diverged', 'the rows to learn from hold a value that is not finite')
  const targets = { labels: train.labels, weights: classWeights }
  const count = train.labels.length
  const answer = classes === 0 ? 'number' : classes === 2 ? 'logistic' : 'softmax'
  const empty = { starts: new Int32Array(0), feature: new Int32Array(0), value: new Float32Array(0), right: new Int32Array(0) }
  const start: Forest = options.initial ?? { answer, features, classes, base: bestConstant(rules.loss, classes, targets), ...empty }
  const width = marginCount(start)
  const before = start.starts.length - done * width
  const builder = forestBuilder(start)
  const margins = await marginsOn(start, train, pace)
  const ofValidation = validation && (await marginsOn(start, validation, pace))
  const columns = validation && validation.values.byteLength <= MOST_TURNED ? byColumn(validation.values, features) : undefined
  const over = lossOver(lossPass(rules.loss, classes), pace)
  const derivatives = Array.from(
    { length: width },
    (): Derivatives => ({ gradient: new Float32Array(count), hessian: new Float32Array(count) }),
  )
  const grower = treeGrower(await binRows(train.values, features, rules.bins, pace))
  const everyRow = Int32Array.from({ length: count }, (_, i) => i)
  const everyFeature = new Uint8Array(features).fill(1)

  await over(margins, targets, derivatives)
  for (let round = done + 1; round <= rules.rounds; round++) {
    const random = randomOf(seed, round)
    const part = rules.rowShare < 1 ? draw(count, rules.rowShare, random) : undefined
    const allowed = rules.columnShare < 1 ? new Uint8Array(features) : everyFeature
    if (rules.columnShare < 1) for (const feature of draw(features, rules.columnShare, random).taken) allowed[feature] = 1
    for (let margin = 0; margin < width; margin++) {
      const rows = (part?.taken ?? everyRow).slice()
      const own = must(derivatives[margin], 'derivatives')
      const tree = await grower.grow(rows, { all: part === undefined, allowed, derivatives: own, rules, pace })
      if (rules.loss === 'absolute-error') setMedians(tree, rows, train.labels, margins)
      builder.add(tree, rules.rate)
      addLeaves(tree, rows, rules.rate, margins, margin, width)
      if (part === undefined) continue
      const others = part.rest.slice()
      addLeaves(grower.route(tree, others), others, rules.rate, margins, margin, width)
    }
    const totals = await over(margins, targets, derivatives)
    if (!Number.isFinite(totals.loss))
      throw new AppError(
        'training_diverged',
        `the loss was ${totals.loss} after round ${round}: lower the learning rate or look for bad values in the data`,
      )
    let checked: LossTotals | undefined
    if (validation !== undefined && ofValidation !== undefined) {
      const added = builder.from(before + (round - 1) * width)
      addMargins(added, columns ?? validation.values, validation.labels.length, ofValidation, columns !== undefined)
      checked = await over(ofValidation, { labels: validation.labels }, undefined)
    }
    if ((await options.afterRound({ round, train: totals, validation: checked }, () => builder.from(0))) === 'stop') break
  }
  return builder.from(0)
}

function byColumn(rows: Float32Array, features: number): Float32Array {
  const count = rows.length / features
  const columns = new Float32Array(rows.length)
  for (let row = 0, from = 0; row < count; row++)
    for (let feature = 0, to = row; feature < features; feature++, to += count) columns[to] = rows[from++] as number
  return columns
}

/** What trees say of rows, some rows at a time. */
async function marginsOn(forest: Forest, { values, labels }: TreeRows, pace: Pace): Promise<Float64Array> {
  const margins = baseMargins(forest, labels.length)
  const { features, base, starts } = forest
  const rows = Math.ceil(STRETCH / (1 + starts.length))
  for (let from = 0; from < labels.length && starts.length > 0; from += rows) {
    await pace()
    const to = Math.min(labels.length, from + rows)
    addMargins(forest, values.subarray(from * features, to * features), to - from, margins.subarray(from * base.length, to * base.length))
  }
  return margins
}

/** A pass over all rows, some at a time. */
const lossOver =
  (pass: LossPass, pace: Pace) =>
  async (margins: Float64Array, targets: Targets, out: readonly Derivatives[] | undefined): Promise<LossTotals> => {
    const count = targets.labels.length
    let total = pass(margins, targets, out, { from: 0, to: 0 })
    for (let from = 0; from < count; from += STRETCH) {
      const wait = pace()
      if (wait !== undefined) await wait
      const { loss, right, count: more } = pass(margins, targets, out, { from, to: Math.min(count, from + STRETCH) })
      total = { loss: total.loss + loss, right: right === undefined ? undefined : right + (total.right ?? 0), count: total.count + more }
    }
    return total
  }

/** Adds what a tree says of the rows that it grew from, without walking it: rounded as the forest holds it. */
function addLeaves({ nodes }: GrownTree, rows: Int32Array, rate: number, margins: Float64Array, margin: number, width: number): void {
  for (const { from, to, split, value } of nodes) {
    if (split !== undefined) continue
    const added = Math.fround(value * rate)
    for (let i = from; i < to; i++) {
      const at = (rows[i] as number) * width + margin
      margins[at] = (margins[at] as number) + added
    }
  }
}
