/** Rows from the highest score to the lowest. */
export function byScore(count: number, score: (row: number) => number): Int32Array {
  const scores = Float64Array.from({ length: count }, (_, i) => score(i))
  return Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number))
}

type Sweep = (truePositives: number, falsePositives: number) => void

/** Lowers the threshold past one score after the other; rows of one score pass together. */
function sweep(
  order: Int32Array,
  score: (row: number) => number,
  positive: (row: number) => boolean,
  weight: (row: number) => number,
  at: Sweep,
): void {
  let [truePositives, falsePositives] = [0, 0]
  for (let i = 0; i < order.length; i++) {
    const row = order[i] as number
    if (positive(row)) truePositives += weight(row)
    else falsePositives += weight(row)
    if (i + 1 === order.length || score(order[i + 1] as number) !== score(row)) at(truePositives, falsePositives)
  }
}

/** The area under the ROC curve (half of each tie, as Mann and Whitney count it), and the average precision: the area under precision over recall in steps. */
export function rankedAreas(
  order: Int32Array,
  score: (row: number) => number,
  positive: (row: number) => boolean,
  weight: (row: number) => number,
): { roc: number; pr: number } | undefined {
  let [positives, negatives] = [0, 0]
  for (const row of order) {
    if (positive(row)) positives += weight(row)
    else negatives += weight(row)
  }
  if (positives === 0 || negatives === 0) return undefined
  let [lastTrue, lastFalse, roc, pr] = [0, 0, 0, 0]
  sweep(order, score, positive, weight, (truePositives, falsePositives) => {
    roc += (falsePositives - lastFalse) * ((truePositives + lastTrue) / 2)
    if (truePositives > lastTrue) pr += (truePositives - lastTrue) * (truePositives / (truePositives + falsePositives))
    lastTrue = truePositives
    lastFalse = falsePositives
  })
  return { roc: roc / (positives * negatives), pr: pr / positives }
}

export type CurvePoint = readonly [x: number, y: number]

/** The ROC curve (false positive rate, true positive rate) as at most `points` points, for drawing. */
export function rocCurve(count: number, score: (row: number) => number, positive: (row: number) => boolean, points = 64): CurvePoint[] {
  const all: [number, number][] = [[0, 0]]
  sweep(
    byScore(count, score),
    score,
    positive,
    () => 1,
    (t, f) => void all.push([f, t]),
  )
  const [negatives, positives] = all.at(-1) ?? [0, 0]
  const step = Math.max(1, Math.ceil((all.length - 1) / (points - 1)))
  return all
    .filter((_, i) => i % step === 0 || i === all.length - 1)
    .map(([f, t]): CurvePoint => [negatives === 0 ? 0 : f / negatives, positives === 0 ? 0 : t / positives])
}
