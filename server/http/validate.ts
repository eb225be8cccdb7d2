import * as z from 'zod/mini'
import { AppError, type Issue } from '../../shared/core/errors.ts'

const MAX_ISSUES = 20
/** zod/mini carries no sentences by itself. */
const english = z.locales.en().localeError

/** A part of the request as its schema types it, or `invalid_input` that names each field. */
export function validate(schema: z.core.$ZodType, value: unknown, part: 'path' | 'query' | 'body'): unknown {
  const parsed = z.safeParse(schema, value, { error: english })
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map((issue): Issue => ({ where: place(part, issue.path), what: issue.message }))
  throw new AppError(
    'invalid_input',
    issues
      .map(({ where, what }) => `${where}: ${what}`)
      .join('; ')
      .slice(0, 2000),
    { issues },
  )
}

const place = (part: string, path: readonly PropertyKey[]): string =>
  part + path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 100)}`)).join('')
