import * as z from 'zod'
import { predictInput } from '../../shared/contract/serving.ts'
import { AppError, ERROR_CODES } from '../../shared/core/errors.ts'

/** What an answer has to be: a label, a number (the first output's only value), probabilities in the order of the labels, or the code of a failure. */
const expected = z.union([
  z.strictObject({ label: z.string() }),
  z.strictObject({ number: z.number(), tolerance: z.number().min(0).default(1e-3) }),
  z.strictObject({ probabilities: z.array(z.number()).min(1), tolerance: z.number().min(0).default(1e-3) }),
  z.strictObject({ error: z.enum(ERROR_CODES) }),
])
const apiCase = z.strictObject({ input: predictInput, expect: expected })
export type ApiCase = z.output<typeof apiCase>

/** Inputs with the answers that are expected, out of JSON. Tolerances are relative to max(1, |expected|). Throws malformed_json, invalid_input with each place. */
export function parseCases(text: string): ApiCase[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed_json', `the cases are not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  const parsed = z.array(apiCase).min(1).max(200).safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ where: `cases.${path.join('.')}`, what: message }))
  throw new AppError(
    'invalid_input',
    `these are no cases, which are [{"input":…,"expect":{"label":…}}] (or number, probabilities, error): ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`,
    { issues },
  )
}
