import type { AppError } from './errors.ts'

/** An expected outcome: either a value, or a failure the caller must look at. Bugs throw; expected failures are returned. */
export type Result<T, E = AppError> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })

export const fail = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error })

/** The value, or the failure thrown. For places where a failure would be a bug, and for scripts. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw result.error
}
