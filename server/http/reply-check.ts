import * as z from 'zod/mini'
import type { RouteName } from '../../shared/contract/routes.ts'

/** Throws when an answer is not what the contract says: a bug of the handler. */
export function assertReply(name: RouteName, schema: z.core.$ZodType, text: string | undefined): void {
  if (text === undefined) throw new Error(`${name} answered nothing`)
  const parsed = z.safeParse(schema, JSON.parse(text))
  if (parsed.success) return
  throw new Error(
    `${name} answered in another form than its contract: ${parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('; ')}`,
  )
}
