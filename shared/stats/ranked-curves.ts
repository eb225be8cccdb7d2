/** Rows from the highest score to the lowest, with what does not depend on how often a row counts. */
export type RankedRows = {
  readonly order: Int32Array
  /** By place in the order: 1 where the row is a positive one. */
  readonly positive: Uint8Array
  /** By place in the order: 1 where the next row has a lower score, and at the end. Rows of one score pass a threshold together. */
  readonly lastOfTie: Uint8Array
}

/** Ranks `count` rows by their scores. */
export function rankRows(count: number, score: (row: number) => number, positive: (row: number) => boolean): RankedRows {
  const scores = Float64Array.from({ length: count }, (_, i) => score(i))
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number))
  return {
    order,
    positive: Uint8Array.from(order, (row) => (positive(row) ? 1 : 0)),
    lastOfTie: Uint8Array.from(order, (row, at) => (scores[order[at + 1] ?? -1] === scores[row] ? 0 : 1)),
  }
}

/**
 * The area under the ROC curve (half of each tie, as Mann and Whitney count it), and the average precision: the area under precision over recall in steps.
 * `weights` say how often each row counts. Undefined where they leave no positive row, or no other one.
 */
export function rankedAreas(
  { order, positive, lastOfTie }: RankedRows,
  weights: ArrayLike<number>,
): { roc: number; pr: number } | undefined {
  let [truePositives, falsePositives, lastTrue, lastFalse, roc, pr] = [0, 0, 0, 0, 0, 0]
  for (let at = 0; at < order.length; at++) {
    const weight = weights[order[at] as number] as number
    if (positive[at] === 1) truePositives += weight
    else falsePositives += weight
    if (lastOfTie[at] === 0) continue
    roc += (falsePositives - lastFalse) * ((truePositives + lastTrue) / 2)
    if (truePositives > lastTrue) pr += (truePositives - lastTrue) * (truePositives / (truePositives + falsePositives))
    lastTrue = truePositives
    lastFalse = falsePositives
  }
  if (lastTrue === 0 || lastFalse === 0) return undefined
  return { roc: roc / (lastTrue * lastFalse), pr: pr / lastTrue }
}

export type CurvePoint = readonly [x: number, y: number]

/** The ROC curve (false positive rate, true positive rate) as at most `points` points, for drawing. */
export function rocCurve({ order, positive, lastOfTie }: RankedRows, points = 64): CurvePoint[] {
  const all: [number, number][] = [[0, 0]]
  let [truePositives, falsePositives] = [0, 0]
  for (let at = 0; at < order.length; at++) {
    if (positive[at] === 1) truePositives++
    else falsePositives++
    if (lastOfTie[at] === 1) all.push([falsePositives, truePositives])
  }
  const step = Math.max(1, Math.ceil((all.length - 1) / (points - 1)))
  return all
    .filter((_, i) => i % step === 0 || i === all.length - 1)
    .map(([f, t]): CurvePoint => [falsePositives === 0 ? 0 : f / falsePositives, truePositives === 0 ? 0 : t / truePositives])
}
