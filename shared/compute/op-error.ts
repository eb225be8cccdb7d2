import { AppError } from '../core/errors.ts'

/** tfjs says in plain words which kernel or operation it lacks: unsupported_op. Anything else stays what it is. */
export function asOpError(thrown: unknown): unknown {
  if (thrown instanceof AppError || !(thrown instanceof Error)) return thrown
  if (/Kernel '.*' not registered|Unknown op '|Node type .* is not implemented/.test(thrown.message))
    return new AppError('unsupported_op', thrown.message, { cause: thrown })
  return thrown
}
