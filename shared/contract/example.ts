import type { JsonSchema } from './json-schema.ts'

/** What people would write under these names. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  model: 'digits',
  alias: 'stable',
  app: 'digits',
  pipeline: 'digits',
  dataset: 'digits',
  name: 'digits',
  reason: 'better on the held-out test set',
  description: 'Handwritten digits',
  label: '7',
  environment: 'TRAINING',
}
const EXAMPLE_TIME = Date.UTC(2026, 0, 15, 12)
const TIMES = /^(at|time|created|expires|issued|started|ended|from|to|since|captured|opened|deadline|revoked|lastUsed|lastFired)$/

/** A value of the schema that a reader understands; a fixed one, so that documents built from it do not change by themselves. */
export function exampleOf(schema: JsonSchema, name = '', root: JsonSchema = schema, depth = 0): unknown {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.split('/').at(-1) ?? '']
    return target && depth < 8 ? exampleOf(target, name, root, depth + 1) : null
  }
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (schema.enum) return schema.enum[0]
  const choice = schema.anyOf ?? schema.oneOf
  if (choice) return choice[0] ? exampleOf(choice[0], name, root, depth + 1) : null
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return exampleObject(schema, root, depth)
    case 'array':
      if (depth > 8) return []
      return (
        schema.prefixItems?.map((item) => exampleOf(item, name, root, depth + 1)) ??
        Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () =>
          schema.items ? exampleOf(schema.items, singular(name), root, depth + 1) : null,
        )
      )
    case 'string':
      return exampleText(schema, name)
    case 'integer':
    case 'number':
      return exampleNumber(schema, name)
    case 'boolean':
      return true
    default:
      return null
  }
}

function exampleObject(schema: JsonSchema, root: JsonSchema, depth: number): Record<string, unknown> {
  const members = Object.entries(schema.properties ?? {}).map(([key, member]) => [key, exampleOf(member, key, root, depth + 1)] as const)
  const open = typeof schema.additionalProperties === 'object' && members.length === 0
  if (open && typeof schema.additionalProperties === 'object')
    return { [schema.propertyNames?.enum?.[0]?.toString() ?? 'accuracy']: exampleOf(schema.additionalProperties, '', root, depth + 1) }
  const example: Record<string, unknown> = Object.fromEntries(members)
  // a dataset's label is one of its own features
  const [feature] = Array.isArray(example['features']) ? (example['features'] as { name?: unknown }[]) : []
  return feature && 'label' in example ? { ...example, label: feature.name } : example
}

function exampleText({ pattern, minLength = 0, maxLength = 100 }: JsonSchema, name: string): string {
  const id = pattern === undefined ? undefined : /^\^([a-z]+)_\[0123456789abc/.exec(pattern)?.[1]
  if (id !== undefined) return `${id}_01h2xcejqtf2nbrexx3v`
  const hex = pattern === undefined ? undefined : /^\^\[0-9a-f\]\{(\d+)\}/.exec(pattern)?.[1]
  if (hex !== undefined) return '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'.slice(0, Number(hex))
  const known = BY_NAME[name]
  const fits = (text: unknown): text is string =>
    typeof text === 'string' &&
    text.length >= minLength &&
    text.length <= maxLength &&
    (pattern === undefined || new RegExp(pattern).test(text))
  if (fits(known)) return known
  return [name, '3', '1768478400000', 'example', 'digits-2026', 'a'.repeat(minLength)].find(fits) ?? 'example'
}

function exampleNumber({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema, name: string): number {
  const low = minimum ?? (exclusiveMinimum === undefined ? 0 : exclusiveMinimum)
  const high = maximum ?? exclusiveMaximum ?? Number.POSITIVE_INFINITY
  const wanted = TIMES.test(name) ? EXAMPLE_TIME : name === 'version' || name === 'candidate' ? 3 : type === 'integer' ? low + 1 : 0.25
  if (wanted > low && wanted < high) return wanted
  if (minimum !== undefined && minimum <= high) return minimum
  return Number.isFinite(high) ? (low + high) / 2 : low + 1
}

const singular = (name: string): string => name.replace(/s$/, '')
