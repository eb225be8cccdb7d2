import * as z from 'zod/mini'
import { categoricalReferenceSchema } from './categorical-reference.ts'
import { numericReferenceSchema } from './numeric-reference.ts'

/** What a device counts one feature or output against. */
export const referenceSchema = z.discriminatedUnion('kind', [numericReferenceSchema, categoricalReferenceSchema])
export type Reference = z.infer<typeof referenceSchema>

/** References by the name of the feature or output, as they stand in the manifest. */
export const referencesSchema = z.record(z.string().check(z.minLength(1), z.maxLength(128)), referenceSchema)
export type References = Readonly<Record<string, Reference>>
