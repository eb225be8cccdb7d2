import * as z from 'zod/mini'

/**
 * What the console recognises in the JSON of an artifact, whatever component wrote it. Unknown content is shown as text, so these readers say undefined
 * rather than fail.
 */
const matrix = z.object({ confusion: z.array(z.array(z.number())), labels: z.optional(z.array(z.string())) })
const record = z.record(z.string(), z.unknown())
const epochs = z.array(z.record(z.string(), z.unknown()))

const members = (value: unknown): [string, unknown][] => {
  const parsed = z.safeParse(record, value)
  return parsed.success ? Object.entries(parsed.data) : []
}

/** A square matrix named `confusion`, at the top or one level below: counts[true][answered]. */
export function confusionOf(value: unknown): { classes: readonly string[]; counts: readonly (readonly number[])[] } | undefined {
  for (const candidate of [value, ...members(value).map(([, member]) => member)]) {
    const parsed = z.safeParse(matrix, candidate)
    if (!parsed.success) continue
    const { confusion, labels } = parsed.data
    if (confusion.length === 0 || confusion.some((row) => row.length !== confusion.length)) continue
    return { classes: labels?.length === confusion.length ? labels : confusion.map((_, at) => String(at)), counts: confusion }
  }
  return undefined
}

/** One list of numbers by name: from [{epoch, loss, ...}], from {loss: [...]}, or from either under `epochs` or `history`. */
export function historyOf(value: unknown): { readonly name: string; readonly values: readonly (number | null)[] }[] | undefined {
  const inner = members(value).find(([name]) => name === 'epochs' || name === 'history')
  const source = inner === undefined ? value : inner[1]
  const rows = z.safeParse(epochs, source)
  if (rows.success && rows.data.length > 0) {
    const names = Object.keys(rows.data[0] ?? {}).filter(
      (name) => name !== 'epoch' && rows.data.some((row) => typeof row[name] === 'number'),
    )
    return names.length === 0 ? undefined : names.map((name) => ({ name, values: rows.data.map((row) => numberOrNull(row[name])) }))
  }
  const lists = members(source).flatMap(([name, list]) =>
    Array.isArray(list) && list.length > 1 && list.every((item) => typeof item === 'number' || item === null)
      ? [{ name, values: list.map(numberOrNull) }]
      : [],
  )
  return lists.length === 0 ? undefined : lists
}

const numberOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** Numbers at the top level, by name. */
export const numbersOf = (value: unknown): [string, number][] =>
  members(value).flatMap(([name, member]): [string, number][] => (typeof member === 'number' ? [[name, member]] : []))
