import { AppError } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'

/** What somebody typed as a JSON object. Throws malformed_json and invalid_input; `what` begins the sentence. */
export function jsonObjectOf(text: string, what: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed_json', `${what} are not valid JSON.`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('invalid_input', `${what} must be a JSON object, like {"epochs": 3}.`)
  return value as JsonObject
}
