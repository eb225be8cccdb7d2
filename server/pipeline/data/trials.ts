import * as z from 'zod'
import type { Recipe } from './recipe.ts'
import { applyPoint } from '../tuning/apply-point.ts'

/** What the `trials` artifact holds: every trial of a search, and the number of the best one. */
export const trials = z.strictObject({
  objective: z.enum(['accuracy', 'loss']),
  trials: z
    .array(
      z.strictObject({
        number: z.int(),
        /** By place in the recipe. */
        params: z.record(z.string(), z.json()),
        state: z.enum(['complete', 'pruned', 'failed']),
        /** The greater the better: accuracy, or the loss below zero, on the validation split. */
        score: z.number().nullable(),
        epochs: z.int(),
        error: z.string().nullable(),
      }),
    )
    .min(1),
  best: z.int().min(0),
})
export type Trials = z.output<typeof trials>

/** A recipe with what the search found. */
export function tunedRecipe(base: Recipe, { trials: all, best }: Trials): Recipe {
  const winner = all[best]
  return winner === undefined ? base : applyPoint(base, winner.params)
}
