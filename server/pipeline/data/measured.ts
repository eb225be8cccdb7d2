import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { type ClassifierFigures, classifier } from '../../../shared/stats/classification-metrics.ts'
import { type QueryFigures, ranker, rankingOf } from '../../../shared/stats/ranking-metrics.ts'
import { regressor } from '../../../shared/stats/regression-metrics.ts'
import type { Interval } from '../../../shared/stats/wilson.ts'
import { wilsonInterval } from '../../../shared/stats/wilson.ts'
import type { SplitExamples } from './split-examples.ts'

export type Task = 'classification' | 'regression' | 'ranking'
export type Ranking = { readonly group: string; readonly cuts: readonly number[] }

/** What a model answered on a split: `width` values for each row, for two classes always both. */
export type Answers = { readonly values: Float32Array; readonly width: number }

/** Some rows of a split, ready to be measured again and again under other weights. */
export type Measured = {
  readonly rows: number
  /** Of what is resampled: rows, or whole queries. Their numbers in the split. */
  readonly units: Int32Array
  /** Figures by name, under weights of the units. */
  figures(weights?: ArrayLike<number>): Record<string, number>
  /** Intervals that need no resampling. */
  readonly exact: Readonly<Record<string, Interval>>
  readonly detail?: ClassifierFigures
}

export type Subject = {
  readonly task: Task
  readonly answers: Answers
  readonly split: SplitExamples
  readonly ranking?: Ranking | undefined
}

/** Both probabilities of a yes-or-no model that answers with one. */
export function bothClasses({ values, width }: Answers): Answers {
  return width === 1
    ? {
        values: Float32Array.from({ length: values.length * 2 }, (_, i) =>
          i % 2 === 0 ? 1 - (values[i >> 1] as number) : (values[i >> 1] as number),
        ),
        width: 2,
      }
    : { values, width }
}

const pick = (values: Float32Array, width: number, rows: Int32Array): Float32Array =>
  Float32Array.from(
    { length: rows.length * width },
    (_, i) => values[(rows[Math.floor(i / width)] as number) * width + (i % width)] as number,
  )

/** Measures a task on these rows. Throws invalid_input for a ranking whose column the split does not carry. */
export function measured({ task, answers, split, ranking }: Subject, rows: Int32Array): Measured {
  const labels = Float64Array.from(rows, (row) => must(split.labels[row], 'a label'))
  const { values, width } = answers
  if (task === 'classification') {
    const measure = classifier({ probabilities: pick(values, width, rows), classes: width, labels })
    const detail = measure()
    const right = detail.confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0)
    return {
      rows: rows.length,
      units: rows,
      figures: (weights) => measure(weights).figures,
      exact: { accuracy: wilsonInterval(right, rows.length) },
      detail,
    }
  }
  if (task === 'regression') {
    const measure = regressor({ predictions: pick(values, 1, rows), targets: labels })
    return { rows: rows.length, units: rows, figures: measure, exact: {} }
  }
  const { group, cuts } = must(ranking, 'how to rank')
  const groups = split.groups[group]
  if (groups === undefined)
    throw new AppError('invalid_input', `rows cannot be ranked by ${group}: name it in the sliceBy of the prepare step`)
  const numbers = new Map([...new Set(groups)].map((name, i) => [name, i]))
  const queries = Map.groupBy([...rows.keys()], (i) => groups[rows[i] as number] ?? '')
  const scored: (QueryFigures | undefined)[] = [...queries.values()].map((members) =>
    rankingOf(
      {
        scores: members.map((i) => values[((rows[i] as number) + 1) * width - 1] as number),
        relevance: members.map((i) => labels[i] as number),
      },
      cuts,
    ),
  )
  return {
    rows: rows.length,
    units: Int32Array.from(queries.keys(), (name) => must(numbers.get(name), name)),
    figures: ranker(scored, cuts),
    exact: {},
  }
}
