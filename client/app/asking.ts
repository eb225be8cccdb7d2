import type { AppError } from '../../shared/core/errors.ts'
import type { Answer } from '../sdk/api.ts'

/** How the question "which digit is this?" stands. */
export type Asking =
  | { readonly state: 'idle' }
  | { readonly state: 'busy' }
  | { readonly state: 'answered'; readonly answer: Answer }
  | { readonly state: 'failed'; readonly error: AppError }

export const IDLE: Asking = { state: 'idle' }
