import { must } from '../core/assert.ts'
import { calibrationErrorOf, reliabilityBins } from './reliability.ts'
import { rankedAreas, rankRows } from './ranked-curves.ts'

/** Answers of a classifier: `probabilities` row after row, one for each of `classes`, and the true class numbers. */
export type ClassifiedRows = {
  readonly probabilities: Float32Array | Float64Array
  readonly classes: number
  readonly labels: ArrayLike<number>
}

export type LabelFigures = {
  readonly count: number
  /** Share of right answers among those that said this label; 0 where none did. */
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** One against the rest; null where the rows are all of this label, or none. */
  readonly rocAuc: number | null
  readonly prAuc: number | null
}

export type ClassifierFigures = {
  readonly figures: Record<string, number>
  readonly byLabel: readonly LabelFigures[]
  readonly confusion: number[][]
}

/** The least probability that log loss is taken of. */
const LEAST = 1e-7

/** The first of the greatest. */
export function topOf({ probabilities, classes }: Pick<ClassifiedRows, 'probabilities' | 'classes'>, row: number): number {
  let best = 0
  for (let c = 1; c < classes; c++)
    if ((probabilities[row * classes + c] as number) > (probabilities[row * classes + best] as number)) best = c
  return best
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/**
 * A function of weights (how often each row counts: all once, or as a bootstrap drew them), as what does not depend on them - answers, orders by score - is found once.
 * Conventions are those of scikit-learn: macro averages go over labels that occur in truth or answers, a label never answered has precision 0, AUC is one against the rest
 * (for two labels, of the second), and the Brier score of two labels is that of the second.
 */
export function classifier(rows: ClassifiedRows): (weights?: ArrayLike<number>) => ClassifierFigures {
  const { probabilities, classes, labels } = rows
  const count = labels.length
  const answers = Int32Array.from({ length: count }, (_, i) => topOf(rows, i))
  const p = (row: number, c: number): number => probabilities[row * classes + c] as number
  const ranked = Array.from({ length: classes }, (_, c) =>
    classes === 2 && c === 0
      ? undefined
      : rankRows(
          count,
          (i) => p(i, c),
          (i) => labels[i] === c,
        ),
  )
  const losses = Float64Array.from({ length: count }, (_, i) => -Math.log(Math.max(LEAST, p(i, labels[i] as number))))
  const distances = Float64Array.from({ length: count }, (_, i) => {
    let distance = 0
    for (let c = 0; c < classes; c++) distance += (p(i, c) - (c === labels[i] ? 1 : 0)) ** 2
    return classes === 2 ? distance / 2 : distance
  })
  const once = new Uint8Array(count).fill(1)

  return (weights = once) => {
    const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
    let [total, right, loss, squares] = [0, 0, 0, 0]
    for (let i = 0; i < count; i++) {
      const w = weights[i] as number
      if (w === 0) continue
      const [label, answer] = [must(labels[i], 'a label'), answers[i] as number]
      const row = must(confusion[label], `label ${label} among ${classes}`)
      row[answer] = (row[answer] as number) + w
      total += w
      if (answer === label) right += w
      loss += w * (losses[i] as number)
      squares += w * (distances[i] as number)
    }
    const byLabel = confusion.map((row, c): LabelFigures => {
      const [here, said] = [row.reduce((sum, n) => sum + n, 0), confusion.reduce((sum, other) => sum + (other[c] as number), 0)]
      const [precision, recall] = [share(row[c] as number, said), share(row[c] as number, here)]
      const areas = ranked[c] && rankedAreas(ranked[c], weights)
      return {
        count: here,
        precision,
        recall,
        f1: share(2 * precision * recall, precision + recall),
        rocAuc: areas?.roc ?? null,
        prAuc: areas?.pr ?? null,
      }
    })
    const said = confusion.map((_, c) => confusion.reduce((sum, row) => sum + (row[c] as number), 0))
    const occurring = byLabel.filter(({ count: n }, c) => n > 0 || (said[c] as number) > 0)
    const mean = (values: readonly number[]): number =>
      share(
        values.reduce((sum, x) => sum + x, 0),
        values.length,
      )
    const areas = (which: 'rocAuc' | 'prAuc'): Record<string, number> => {
      const measured = byLabel.flatMap((one) => one[which] ?? [])
      return measured.length === 0 ? {} : { [which]: mean(measured) }
    }
    return {
      figures: {
        accuracy: share(right, total),
        balancedAccuracy: mean(byLabel.flatMap(({ count: n, recall }) => (n > 0 ? [recall] : []))),
        precisionMacro: mean(occurring.map(({ precision }) => precision)),
        recallMacro: mean(occurring.map(({ recall }) => recall)),
        f1Macro: mean(occurring.map(({ f1 }) => f1)),
        // each row has one label and one answer, so that micro-averaged precision, recall and F1 are all the accuracy
        f1Micro: share(right, total),
        ...areas('rocAuc'),
        ...areas('prAuc'),
        logLoss: share(loss, total),
        brier: share(squares, total),
        calibrationError: calibrationErrorOf(reliabilityBins(rows, answers, weights)),
      },
      byLabel,
      confusion,
    }
  }
}
