import * as z from 'zod/mini'
import { ID_PREFIXES, type Id, type IdKind, idPattern, SLUG, type Slug } from './ids.ts'
import type { Sha256 } from './digest.ts'
import type { JsonObject } from './json.ts'
import { DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS } from './limits.ts'

/** Field schemas that many documents share. */
const branded = <T>(schema: z.ZodMiniType<string>) => schema as unknown as z.ZodMiniType<T, string>

export const slug = branded<Slug>(z.string().check(z.regex(SLUG, 'lower-case letters, digits and single hyphens, 1 to 64 characters')))
export const digest = branded<Sha256>(z.string().check(z.regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex')))
export const id = <K extends IdKind>(kind: K) =>
  branded<Id<K>>(z.string().check(z.regex(idPattern(kind), `an id beginning with ${ID_PREFIXES[kind]}_`)))

/** A version number: counts from 1, per model. */
export const version = z.int().check(z.minimum(1))
/** A version number in a path or a query. */
export const versionText = z.pipe(z.string().check(z.regex(/^[1-9][0-9]{0,8}$/, 'a version number')), z.transform(Number))
/** Epoch milliseconds. */
export const time = z.int().check(z.minimum(0))
export const share = z.number().check(z.minimum(0), z.maximum(1))
export const text = (max: number) => z.string().check(z.maxLength(max))
export const reason = z.string().check(z.minLength(1), z.maxLength(2000))
export const json = z.json()
export const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))

/** Paging: `cursor` is what the page before gave as `next`. */
export const pageQuery = z.object({
  limit: z._default(
    z.pipe(
      z.string().check(z.regex(/^[0-9]{1,4}$/, 'a number')),
      z.transform((t) => Math.min(MAX_PAGE_ITEMS, Math.max(1, Number(t)))),
    ),
    DEFAULT_PAGE_ITEMS,
  ),
  cursor: z.optional(z.string().check(z.maxLength(200))),
})
export const page = <S extends z.core.$ZodType>(item: S) => z.object({ items: z.array(item), next: z.nullable(z.string()) })
