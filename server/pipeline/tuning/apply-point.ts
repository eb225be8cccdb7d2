import { AppError } from '../../../shared/core/errors.ts'
import type { Json } from '../../../shared/core/json.ts'
import { type Recipe, recipe } from '../data/recipe.ts'
import type { Point } from './search-space.ts'

type Holder = { [key: string]: Json } | Json[]

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null

/** A recipe with the values of a point at their places. Throws invalid_input where there is no such place, or the recipe then makes no sense. */
export function applyPoint(base: Recipe, point: Point): Recipe {
  const copy = structuredClone(base) as unknown as { [key: string]: Json }
  // members before what lies inside them: a chosen optimizer, then its momentum
  for (const [path, value] of Object.entries(point).sort(([a], [b]) => a.split('.').length - b.split('.').length || (a < b ? -1 : 1))) {
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    let at: Holder = copy
    for (const key of keys) {
      const next: unknown = (at as Record<string, Json>)[key]
      if (!isHolder(next)) throw new AppError('invalid_input', `the recipe has no ${path}: there is nothing at ${key}`)
      at = next
    }
    ;(at as Record<string, Json>)[last] = structuredClone(value)
  }
  const parsed = recipe.safeParse(copy)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AppError(
    'invalid_input',
    `with ${JSON.stringify(point)} the recipe makes no sense: ${issue?.path.join('.')}: ${issue?.message}`,
  )
}
