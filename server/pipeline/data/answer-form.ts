import type { DuckDBAppender } from '@duckdb/node-api'
import { must } from '../../../shared/core/assert.ts'
import type { JsonObject } from '../../../shared/core/json.ts'
import { readNumber, readOutput } from '../../../shared/worker/read-output.ts'
import { type Duck, duckLibrary } from '../../datasets/duckdb.ts'
import { answersWithNumber } from './example-form.ts'

/** What a version answered to one row, named by its id. */
export type Answer = { readonly id: string | null; readonly append: (appender: DuckDBAppender) => void }

/** How answers stand in a file, between the row's `id` and the `version`: the columns in SQL, what fills them, and what all of them come to. */
export type AnswerForm = {
  readonly columns: string
  /** Reads the network's first output. Throws shape_mismatch, output_not_finite. */
  readonly read: (output: ArrayLike<number>) => Answer['append']
  /** `answers` is a relation that holds all of them. */
  readonly summary: (duck: Duck, answers: string) => Promise<JsonObject>
}

/** A label, how sure of it, and the probabilities of all labels in their order; how many answers there are of each label. */
const labelForm = (labels: readonly string[]): AnswerForm => ({
  columns: 'label VARCHAR, confidence FLOAT, probabilities FLOAT[]',
  read(output) {
    const { probabilities, predicted, confidence } = readOutput(output, labels)
    return (appender) => {
      appender.appendVarchar(must(labels[predicted], 'a label'))
      appender.appendFloat(confidence)
      const { FLOAT, LIST } = duckLibrary()
      appender.appendList(probabilities, LIST(FLOAT))
    }
  },
  async summary(duck, answers) {
    const counted = await duck.rows(`SELECT label, count(*)::DOUBLE AS n FROM ${answers} GROUP BY label`)
    const counts = new Map(counted.map((row) => [String(row['label']), Number(row['n'])]))
    return { labels: [...labels], answers: Object.fromEntries(labels.map((label) => [label, counts.get(label) ?? 0])) }
  },
})

/** One number, in the unit of the data; the least, the mean and the greatest of them. */
const numberForm: AnswerForm = {
  columns: 'prediction FLOAT',
  read(output) {
    const number = readNumber(output)
    return (appender) => appender.appendFloat(number)
  },
  async summary(duck, answers) {
    const [row = {}] = await duck.rows(
      `SELECT min(prediction)::DOUBLE AS least, avg(prediction::DOUBLE) AS mean, max(prediction)::DOUBLE AS greatest FROM ${answers}`,
    )
    const { least, mean, greatest } = row
    return { labels: [], answers: { least: Number(least), mean: Number(mean), greatest: Number(greatest) } }
  },
}

/** The form of a version's answers: with labels, or with a number where it has none. */
export const answerForm = (prepared: { readonly labels: string[] }): AnswerForm =>
  answersWithNumber(prepared) ? numberForm : labelForm(prepared.labels)
