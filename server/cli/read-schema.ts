import { readFile } from 'node:fs/promises'
import { AppError } from '../../shared/core/errors.ts'
import { type DatasetSchema, datasetSchema } from '../../shared/data/schema.ts'

/** A schema as `--json` prints it, or a whole answer of `--json`. */
export async function readSchema(path: string): Promise<DatasetSchema> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (cause) {
    throw new AppError('invalid_input', `${path} is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  const whole = value as { schema?: unknown } | null
  const parsed = datasetSchema.safeParse(whole?.schema ?? value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 10).map((issue) => ({ where: `${path} /${issue.path.join('/')}`, what: issue.message }))
  throw new AppError('invalid_input', `${path} is no schema: \`shoal analyse FILE --json\` prints one to begin with`, { issues })
}
