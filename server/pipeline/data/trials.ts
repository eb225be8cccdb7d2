import * as z from 'zod'
import { recipeChange } from './recipe.ts'

/** What the `trials` artifact holds: every trial, and the number of the best one. */
export const trials = z.strictObject({
  trials: z.array(z.strictObject({ change: recipeChange, score: z.number(), loss: z.number() })).min(1),
  best: z.int().min(0),
})
export type Trials = z.output<typeof trials>
