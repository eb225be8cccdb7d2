import { AppError } from '../../shared/core/errors.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import { analyseFile } from '../analysis/analyse-file.ts'
import type { FileFormat } from '../analysis/open-table.ts'
import type { Check } from './check.ts'

/** A file of rows against a schema: that it is a table, and each anomaly. @throws AppError not_found. */
export async function checkData(path: string, format: FileFormat, schema: DatasetSchema, environment?: string): Promise<Check[]> {
  try {
    const { statistics, anomalies } = await analyseFile(path, format, { schema, ...(environment === undefined ? {} : { environment }) })
    const found = anomalies ?? []
    return [
      { check: 'readable', ok: true, what: `${statistics.examples} rows, ${statistics.features.length} features` },
      ...found.map(({ feature, name, severity, description }) => ({
        check: feature === null ? name : `${feature} ${name}`,
        ok: severity !== 'error',
        what: description,
      })),
      ...(found.some(({ severity }) => severity === 'error') ? [] : [{ check: 'fits', ok: true, what: 'the rows fit the schema' }]),
    ]
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'invalid_input') throw thrown
    const [first] = thrown.issues
    return [
      {
        check: 'readable',
        ok: false,
        what: first && !thrown.detail.includes(first.what) ? `${thrown.detail}: ${first.where}: ${first.what}` : thrown.detail,
      },
    ]
  }
}
