import * as z from 'zod/mini'
import { canonicalJson } from '../core/canonical-json.ts'
import type { DatasetSchema, FeatureSchema } from './schema.ts'

/** One difference of two schemas. Before or after are absent where there is nothing. */
export const schemaChange = z.object({
  /** Null where it is about the schema as a whole. */
  feature: z.nullable(z.string()),
  /** What of the feature; null where the feature itself came or went. */
  part: z.nullable(z.string()),
  change: z.enum(['added', 'removed', 'changed']),
  before: z.optional(z.json()),
  after: z.optional(z.json()),
})
export type SchemaChange = z.infer<typeof schemaChange>

type Value = z.infer<ReturnType<typeof z.json>>

function differences(feature: string | null, before: object, after: object): SchemaChange[] {
  const [old, now] = [new Map<string, Value>(Object.entries(before)), new Map<string, Value>(Object.entries(after))]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((part): SchemaChange[] => {
    const [a, b] = [old.get(part), now.get(part)]
    if (a === undefined && b === undefined) return []
    if (a === undefined) return [{ feature, part, change: 'added', ...(b === undefined ? {} : { after: b }) }]
    if (b === undefined) return [{ feature, part, change: 'removed', before: a }]
    return canonicalJson(a) === canonicalJson(b) ? [] : [{ feature, part, change: 'changed', before: a, after: b }]
  })
}

const byName = (schema: DatasetSchema | null): Map<string, FeatureSchema> =>
  new Map(schema?.features.map((feature) => [feature.name, feature]))

/** What `after` says otherwise than `before`, feature by feature; the order of features means nothing. */
export function diffSchemas(before: DatasetSchema | null, after: DatasetSchema): SchemaChange[] {
  const { features: _, ...oldRest } = before ?? { features: [] }
  const { features: __, ...newRest } = after
  const [old, now] = [byName(before), byName(after)]
  return [
    ...(before === null ? [] : differences(null, oldRest, newRest)),
    ...[...new Set([...old.keys(), ...now.keys()])].flatMap((name): SchemaChange[] => {
      const [a, b] = [old.get(name), now.get(name)]
      if (a === undefined) return [{ feature: name, part: null, change: 'added', ...(b === undefined ? {} : { after: b as Value }) }]
      if (b === undefined) return [{ feature: name, part: null, change: 'removed', before: a as Value }]
      return differences(name, a, b)
    }),
  ]
}

const shown = (value: Value | undefined): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

/** A change in words. */
export function changeText({ feature, part, change, before, after }: SchemaChange): string {
  const of = [feature ?? 'the schema', part].filter((each) => each !== null).join(', ')
  if (change === 'changed') return `${of}: ${shown(before)} becomes ${shown(after)}`
  return change === 'added' ? `${of} is new: ${shown(after)}` : `${of} goes: ${shown(before)}`
}
