import type { Derivatives } from './histogram.ts'
import { exactExp } from '../data/exact-math.ts'

/** What boosting minimises: cross-entropy of labels, squared or absolute errors of numbers. */
export type BoostingLoss = 'cross-entropy' | 'squared-error' | 'absolute-error'

export type Targets = { readonly labels: ArrayLike<number>; readonly weights?: readonly number[] | undefined }

/** Sums over rows; `right` where rows have labels. */
export type LossTotals = { readonly loss: number; readonly right: number | undefined; readonly count: number }

/** Rows `from` to `to - 1`. */
type Stretch = { readonly from: number; readonly to: number }

/** Least probability whose logarithm is taken. */
const LEAST = 1e-15
/** The logarithm of a product is taken once it is below this, instead of one of each factor: the next factor must not bring it below the least double. */
const SMALL = 1e-280

/** First and second derivatives of each margin's loss, one array for each margin of a row, and how good the margins are, over a stretch of rows. */
export type LossPass = (margins: Float64Array, targets: Targets, out: readonly Derivatives[] | undefined, stretch: Stretch) => LossTotals

const weightOf = ({ weights }: Targets, label: number): number => (weights === undefined ? 1 : (weights[label] ?? 1))

/** One margin: the logarithm of the odds for the second of two labels (Friedman 2001, section 4.5). */
const logistic: LossPass = (margins, targets, out, { from, to }) => {
  const { labels } = targets
  const [ofFirst, ofSecond] = [weightOf(targets, 0), weightOf(targets, 1)]
  const { gradient, hessian } = out?.[0] ?? { gradient: undefined, hessian: undefined }
  let [right, loss, product] = [0, 0, 1]
  for (let row = from; row < to; row++) {
    const label = labels[row] as number
    const weight = label === 1 ? ofSecond : ofFirst
    const second = 1 / (1 + exactExp(-(margins[row] as number)))
    const p = label === 1 ? second : 1 - second
    if (p > 0.5) right++
    const held = p > LEAST ? p : LEAST
    if (weight !== 1) loss -= weight * Math.log(held)
    else {
      product *= held
      if (product < SMALL) {
        loss -= Math.log(product)
        product = 1
      }
    }
    if (gradient === undefined || hessian === undefined) continue
    gradient[row] = weight * (second - label)
    hessian[row] = weight * second * (1 - second)
  }
  return { loss: loss - Math.log(product), right, count: to - from }
}

/** A margin for each label. The second derivatives are those of the diagonal, with the factor that makes up for what it leaves out (Friedman 2001, eq. 32 and 33: K/(K-1)). */
const softmax =
  (classes: number): LossPass =>
  (margins, targets, out, { from, to }) => {
    const { labels } = targets
    let loss = 0
    const factor = classes / (classes - 1)
    const shares = new Float64Array(classes)
    let right = 0
    for (let row = from, at = from * classes; row < to; row++, at += classes) {
      const label = labels[row] as number
      const weight = weightOf(targets, label)
      let greatest = 0
      for (let c = 1; c < classes; c++) if ((margins[at + c] as number) > (margins[at + greatest] as number)) greatest = c
      const most = margins[at + greatest] as number
      let total = 0
      for (let c = 0; c < classes; c++) total += shares[c] = exactExp((margins[at + c] as number) - most)
      loss -= weight * Math.log(Math.max(LEAST, (shares[label] as number) / total))
      if (greatest === label) right++
      if (out === undefined) continue
      for (let c = 0; c < classes; c++) {
        const p = (shares[c] as number) / total
        const { gradient, hessian } = out[c] as Derivatives
        gradient[row] = weight * (p - (c === label ? 1 : 0))
        hessian[row] = weight * factor * p * (1 - p)
      }
    }
    return { loss, right, count: to - from }
  }

/** Numbers: half the squared error's derivatives, so that a leaf's best value is the mean of what is left; of absolute errors the sign (the grower's leaves then get medians). */
const numeric =
  (absolute: boolean): LossPass =>
  (margins, { labels }, out, { from, to }) => {
    const only = out?.[0]
    let loss = 0
    for (let row = from; row < to; row++) {
      const error = (margins[row] as number) - (labels[row] as number)
      loss += absolute ? Math.abs(error) : error * error
      if (only === undefined) continue
      only.gradient[row] = absolute ? Math.sign(error) : error
      only.hessian[row] = 1
    }
    return { loss, right: undefined, count: to - from }
  }

export function lossPass(loss: BoostingLoss, classes: number): LossPass {
  if (loss !== 'cross-entropy') return numeric(loss === 'absolute-error')
  return classes === 2 ? logistic : softmax(classes)
}

/** The middle value; of an even number of them the mean of both. Sorts `values`. */
export function median(values: Float64Array): number {
  values.sort()
  const middle = values.length >> 1
  const high = values[middle] as number
  return values.length % 2 === 1 ? high : ((values[middle - 1] as number) + high) / 2
}

/** The constant margins with the least loss: mean, median, or the logarithms of the labels' (weighted) shares. */
export function bestConstant(loss: BoostingLoss, classes: number, targets: Targets): Float32Array<ArrayBuffer> {
  const { labels } = targets
  if (loss === 'absolute-error') return Float32Array.of(median(Float64Array.from(labels)))
  const sums = new Float64Array(Math.max(1, classes))
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] as number
    if (classes === 0) sums[0] = (sums[0] as number) + label / labels.length
    else sums[label] = (sums[label] as number) + weightOf(targets, label)
  }
  if (classes === 0) return Float32Array.from(sums)
  const total = sums.reduce((sum, one) => sum + one, 0)
  // a label without rows is unlikely, not impossible
  const logs = sums.map((one) => Math.log(Math.max(one / total, 1e-6)))
  return classes === 2 ? Float32Array.of((logs[1] as number) - (logs[0] as number)) : Float32Array.from(logs)
}
