import { AppError, type ErrorCode, toAppError, toProblem } from '../../shared/core/errors.ts'
import { UsageError } from './command.ts'

/** What to do next, where the code alone tells. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  network: 'is the server running? `npx shoal serve` starts one; --url or SHOAL_URL names another',
  unauthenticated: 'pass --key or set SHOAL_KEY; the server printed its first key when it first started',
  key_expired: 'make another with `npx shoal keys create`',
  key_revoked: 'ask for another key, or make one with `npx shoal keys create`',
  forbidden: '`npx shoal keys self` tells what this key may do',
  unknown_model: '`npx shoal models` lists the models',
  unknown_version: '`npx shoal versions MODEL` lists the versions',
  unknown_run: '`npx shoal runs` lists the runs',
  unknown_pipeline: '`npx shoal pipelines` lists the pipelines',
  unknown_dataset: '`npx shoal datasets` lists the datasets, `npx shoal datasets create NAME` makes one',
  protocol_mismatch: 'does --url name a Shoal server of this version?',
}

/** Exit codes: 0 done, 1 failed, 2 not understood. */
export const exitCodeOf = (thrown: unknown): 1 | 2 => (thrown instanceof UsageError ? 2 : 1)

/** The failure as lines for the error stream; as a problem document where JSON was asked for. */
export function failureText(thrown: unknown, json: boolean): string {
  if (thrown instanceof UsageError)
    return json ? JSON.stringify(toProblem(new AppError('invalid_input', thrown.message))) : `shoal: ${thrown.message}`
  const error = toAppError(thrown)
  if (json) return JSON.stringify(toProblem(error))
  const advice = ADVICE[error.code]
  return [
    `shoal: ${error.code}: ${error.detail}`,
    ...error.issues.map((issue) => `  ${issue.where}: ${issue.what}`),
    ...(advice === undefined ? [] : [`  ${advice}`]),
    ...(error.code === 'internal' && error.cause instanceof Error ? [error.cause.stack ?? ''] : []),
  ].join('\n')
}
