import * as z from 'zod/mini'
import { fromBase64, fromUtf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { envelope } from './dsse.ts'

/** What an envelope claims to hold, parsed but NOT verified: only for finding out which keys to verify it with. */
export function parseDocument<S extends z.core.$ZodType>(
  unknownEnvelope: unknown,
  payloadType: string,
  schema: S,
): Result<z.core.output<S>> {
  const parsed = envelope.safeParse(unknownEnvelope)
  if (!parsed.success) return fail(new AppError('invalid_document', 'not a DSSE envelope'))
  if (parsed.data.payloadType !== payloadType)
    return fail(new AppError('invalid_document', `payload type is ${parsed.data.payloadType}, expected ${payloadType}`))
  try {
    return parsePayload(fromUtf8(fromBase64(parsed.data.payload)), schema)
  } catch {
    return fail(new AppError('invalid_document', 'the payload is not base64 of UTF-8'))
  }
}

/** A payload's text as a document of this schema. */
export function parsePayload<S extends z.core.$ZodType>(payload: string, schema: S): Result<z.core.output<S>> {
  let value: unknown
  try {
    value = JSON.parse(payload)
  } catch {
    return fail(new AppError('invalid_document', 'the payload is not JSON'))
  }
  const document = z.safeParse(schema, value)
  if (document.success) return ok(document.data)
  const issues = document.error.issues.slice(0, 10).map((issue) => ({ where: issue.path.map(String).join('.'), what: issue.message }))
  return fail(new AppError('invalid_document', `${issues.length} fields do not fit`, { issues }))
}
