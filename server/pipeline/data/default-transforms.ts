import type { TransformSpecInput } from '../../../shared/data/transform-specs.ts'
import type { FeatureType } from '../../../shared/data/schema.ts'
import type { ExampleForm } from './example-form.ts'

/** The type that a column of DuckDB has in a schema. */
export function featureTypeOf(duckType: string): FeatureType {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U\w*INT\w*)$/.test(duckType)) return 'int'
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(duckType)) return 'float'
  if (/^(DATE$|TIMESTAMP)/.test(duckType)) return 'time'
  return duckType === 'BLOB' ? 'bytes' : 'string'
}

/** What is done where nothing was said: images to 0 to 1, numbers standardised, the parts of a date as cycles, a place for each of the most frequent texts. */
export function defaultTransforms(form: ExampleForm, types: ReadonlyMap<string, string>): TransformSpecInput[] {
  if (form.kind === 'image') return [{ kind: 'image-scale', input: form.column }]
  return form.columns.map((input) => {
    const type = featureTypeOf(types.get(input) ?? '')
    if (type === 'time') return { kind: 'date', input }
    return { kind: type === 'string' ? 'one-hot' : 'standardize', input }
  })
}
