import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Column, ImageColumn, Scalar } from '../../../shared/data/columns.ts'
import { imageAt, isImageColumn } from '../../../shared/data/columns.ts'
import { IMAGE_FEATURES, imageFeatures } from '../../../shared/data/image-features.ts'
import { topClass } from '../../../shared/compute/metrics.ts'
import { makeCategoricalReference } from '../../../shared/stats/categorical-reference.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import type { Reference } from '../../../shared/stats/reference.ts'
import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import type { Preparation } from './example-form.ts'
import { readBatches } from './parquet-batches.ts'
import { type RowFilter, whereSql } from './row-filter.ts'

const isNumber = (value: unknown): boolean => value === null || typeof value === 'number' || typeof value === 'bigint'

function columnReference(values: readonly Scalar[]): Reference {
  if (values.some((value) => value !== null) && values.every(isNumber))
    return makeNumericReference(values.map((value) => (value === null || value === undefined ? null : Number(value))))
  return makeCategoricalReference(values.map((value) => (value instanceof Date || value instanceof Uint8Array ? null : value)))
}

/** How the inputs looked in a split, or in those of its rows that are wanted: numbers of each image, or each column as it is. What devices count against. */
export async function inputReferences(
  path: string,
  { form }: Preparation,
  folder: string,
  rows?: RowFilter,
): Promise<Record<string, Reference>> {
  const duck = await openDuck({ folder, files: [path], memoryMb: 512, threads: 1 })
  const names = form.kind === 'image' ? [...IMAGE_FEATURES] : form.columns
  const values = new Map<string, Scalar[]>(names.map((name) => [name, []]))
  const add = (name: string, value: Scalar) => must(values.get(name), name).push(value)
  try {
    const where = rows === undefined ? '' : ` WHERE ${whereSql(rows)}`
    const columns = form.kind === 'image' ? [form.column] : form.columns
    for await (const batch of readBatches(
      duck,
      `SELECT ${columns.map(quoted).join(', ')} FROM read_parquet(${literal(path)})${where}`,
      form,
    )) {
      if (form.kind === 'image') {
        const images = must(batch[form.column], form.column) as ImageColumn
        const rows = images.pixels.length / (images.height * images.width * images.channels)
        for (let row = 0; row < rows; row++)
          for (const [name, value] of Object.entries(imageFeatures(imageAt(images, row), images))) add(name, value)
      } else {
        for (const name of form.columns) {
          const column: Column = must(batch[name], name)
          if (!isImageColumn(column)) for (const value of column) add(name, value)
        }
      }
    }
  } finally {
    duck.close()
  }
  // time goes on: that it has moved since the training is no drift
  const monitored = [...values].filter(([, list]) => !list.some((value) => value instanceof Date))
  return Object.fromEntries(monitored.map(([name, list]) => [name, columnReference(list)]))
}

/** At least a score of values in each bin, so that a small reference is a coarse one rather than a noisy one. */
const binsFor = (values: number): number => Math.max(4, Math.min(16, Math.floor(values / 20)))

/** How the model's own answers look on data it has not learnt: which label, how sure; or, where it has no labels, which number. Throws shape_mismatch. */
export function answerReferences(answers: Float32Array, width: number, labels: readonly string[]): Record<string, Reference> {
  if (labels.length === 0) {
    if (width !== 1)
      throw new AppError('shape_mismatch', `the model has no labels and answers with ${width} values, where one number is counted`)
    return { prediction: makeNumericReference(answers, binsFor(answers.length)) }
  }
  const [probabilities, classes] = [answers, width]
  const tops = Array.from({ length: probabilities.length / classes }, (_, i) => topClass({ values: probabilities, classes }, i))
  return {
    prediction: makeCategoricalReference(
      tops.map(({ label }) => must(labels[label], 'a label')),
      { keep: labels, top: Math.max(32, labels.length) },
    ),
    confidence: makeNumericReference(
      tops.map(({ confidence }) => confidence),
      binsFor(tops.length),
    ),
  }
}
