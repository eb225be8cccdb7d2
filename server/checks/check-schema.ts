import { AppError } from '../../shared/core/errors.ts'
import { incompatibilities } from '../../shared/data/schema-compatibility.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import type { Check } from './check.ts'

/** A schema by itself, and beside the one that is in force: data that fits this one has to fit it. */
export async function checkSchema(read: () => Promise<DatasetSchema>, stored: DatasetSchema | undefined): Promise<Check[]> {
  let schema: DatasetSchema
  try {
    schema = await read()
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'invalid_input') throw thrown
    const issues = thrown.issues.map(({ where, what }) => ({ check: 'valid', ok: false, what: `${where}: ${what}` }))
    return issues.length > 0 ? issues : [{ check: 'valid', ok: false, what: thrown.detail }]
  }
  const valid = { check: 'valid', ok: true, what: `${schema.features.length} features` }
  if (stored === undefined) return [valid]
  const broken = incompatibilities(stored, schema)
  if (broken.length === 0) return [valid, { check: 'compatible', ok: true, what: 'what fits the schema in force fits this one' }]
  return [valid, ...broken.map(({ where, what }) => ({ check: 'compatible', ok: false, what: `${where}: ${what}` }))]
}
