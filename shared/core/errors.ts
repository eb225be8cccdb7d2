/**
 * The one catalogue of expected failures. `status` is the HTTP status that carries the failure, `title` the sentence that
 * is the same for every occurrence (RFC 9457), `retryable` whether the same request may succeed later without a change.
 */
export const ERRORS = {
  // what was sent
  malformed_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  invalid_input: { status: 400, retryable: false, title: 'The input does not fit what this operation takes' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The content type is not one this operation takes' },
  body_too_large: { status: 413, retryable: false, title: 'The body is larger than this operation takes' },
  range_not_satisfiable: { status: 416, retryable: false, title: 'The requested range lies outside the blob' },
  shape_mismatch: { status: 422, retryable: false, title: 'A tensor has a shape other than the one expected' },
  digest_mismatch: { status: 422, retryable: false, title: 'The bytes are not the ones that the digest names' },
  idempotency_conflict: { status: 422, retryable: false, title: 'This idempotency key was used with another body' },
  // who sent it
  unauthenticated: { status: 401, retryable: false, title: 'A valid key or token is needed' },
  key_expired: { status: 401, retryable: false, title: 'The key has expired' },
  key_revoked: { status: 401, retryable: false, title: 'The key was revoked' },
  forbidden: { status: 403, retryable: false, title: 'The key does not carry the scope that this operation needs' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  // what it speaks of
  not_found: { status: 404, retryable: false, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, retryable: false, title: 'This address does not take that method' },
  unknown_model: { status: 404, retryable: false, title: 'There is no such model' },
  unknown_version: { status: 404, retryable: false, title: 'There is no such version' },
  unknown_blob: { status: 404, retryable: false, title: 'There is no such blob' },
  unknown_run: { status: 404, retryable: false, title: 'There is no such run' },
  unknown_pipeline: { status: 404, retryable: false, title: 'There is no such pipeline' },
  unknown_dataset: { status: 404, retryable: false, title: 'There is no such dataset' },
  conflict: { status: 409, retryable: false, title: 'The current state does not allow this' },
  already_exists: { status: 409, retryable: false, title: 'It exists already, with other content' },
  precondition_failed: { status: 412, retryable: false, title: 'The state has changed since you read it' },
  // pipelines
  invalid_pipeline: { status: 422, retryable: false, title: 'The pipeline definition does not hold together' },
  step_failed: { status: 422, retryable: false, title: 'A pipeline step failed' },
  step_timeout: { status: 504, retryable: true, title: 'A pipeline step took longer than its limit' },
  step_crashed: { status: 500, retryable: true, title: 'The worker of a pipeline step died' },
  schema_anomaly: { status: 422, retryable: false, title: 'The data does not fit its schema' },
  not_blessed: { status: 409, retryable: false, title: 'The candidate did not pass model validation' },
  not_converged: { status: 422, retryable: false, title: 'Training did not lower the loss' },
  training_diverged: { status: 422, retryable: false, title: 'Training produced values that are not finite' },
  // trust
  bad_signature: { status: 422, retryable: false, title: 'The signature does not verify' },
  untrusted_key: { status: 422, retryable: false, title: 'The document is signed by a key that its role does not allow' },
  document_expired: { status: 422, retryable: true, title: 'The signed document has expired' },
  older_document: { status: 422, retryable: false, title: 'The signed document is older than one already accepted' },
  invalid_document: { status: 422, retryable: false, title: 'The document is not one of the kind expected' },
  version_revoked: { status: 409, retryable: false, title: 'This version has been revoked' },
  // device and runtime
  not_a_model: { status: 422, retryable: false, title: 'The answer is not a model' },
  truncated: { status: 422, retryable: true, title: 'The download ended before its declared length' },
  network: { status: 503, retryable: true, title: 'The server could not be reached' },
  offline_no_model: { status: 503, retryable: true, title: 'Offline, and no version of this model is stored yet' },
  self_test_failed: { status: 422, retryable: false, title: 'The version does not reproduce its golden outputs here' },
  output_not_finite: { status: 422, retryable: false, title: 'The model answered with values that are not finite' },
  promise_broken: { status: 422, retryable: false, title: 'The version makes more errors here than it promised' },
  too_slow: { status: 422, retryable: false, title: 'The version answers more slowly here than it promised' },
  crash_loop: { status: 422, retryable: false, title: 'The version ended its worker or its page again and again' },
  no_backend: { status: 501, retryable: false, title: 'No compute backend works here' },
  device_lost: { status: 503, retryable: true, title: 'The GPU was lost while it computed' },
  out_of_memory: { status: 507, retryable: false, title: 'There is not enough memory to compute this' },
  unsupported_op: { status: 501, retryable: false, title: 'No backend here has a kernel for an operation of this model' },
  storage_full: { status: 507, retryable: true, title: 'There is no room to store this' },
  worker_died: { status: 503, retryable: true, title: 'The worker ended before it answered' },
  timeout: { status: 504, retryable: true, title: 'No answer within the time allowed' },
  aborted: { status: 499, retryable: true, title: 'The caller aborted the operation' },
  protocol_mismatch: { status: 409, retryable: false, title: 'The two sides speak different protocol versions' },
  // the server itself
  damaged_data: { status: 500, retryable: false, title: 'Stored data is damaged' },
  incompatible_data: { status: 500, retryable: false, title: 'The data folder belongs to another program or a newer version' },
  unavailable: { status: 503, retryable: true, title: 'The server is not ready' },
  internal: { status: 500, retryable: true, title: 'Something broke inside Shoal' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof ERRORS

export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]

/** One thing that was wrong, and where: a JSON path, a file and row, a tensor name. */
export type Issue = { readonly where: string; readonly what: string }

/** RFC 9457 problem details, with Shoal's `code`, `retryable` and `issues` as extension members. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly issues?: readonly Issue[]
  readonly instance?: string
}

/** An expected failure. `detail` says what was wrong this time and what to do; `issues` name each place. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly detail: string
  readonly issues: readonly Issue[]

  constructor(code: ErrorCode, detail: string, options: { issues?: readonly Issue[]; cause?: unknown } = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.issues = options.issues ?? []
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
}

export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

/** Any thrown value as an AppError: itself, or `internal` with the original as its cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  if (thrown instanceof DOMException && thrown.name === 'AbortError') return new AppError('aborted', thrown.message, { cause: thrown })
  return new AppError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}

export const toProblem = (error: AppError, instance?: string): Problem => ({
  type: `urn:shoal:problem:${error.code.replaceAll('_', '-')}`,
  title: ERRORS[error.code].title,
  status: error.status,
  detail: error.detail,
  code: error.code,
  retryable: error.retryable,
  ...(error.issues.length > 0 ? { issues: error.issues } : {}),
  ...(instance === undefined ? {} : { instance }),
})

/** The failure that a problem document from the server speaks of; undefined where the value is no problem document. */
export function fromProblem(value: unknown): AppError | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { code, detail, title, issues } = value as Record<string, unknown>
  if (!isErrorCode(code)) return undefined
  const list = Array.isArray(issues) ? issues.filter((i): i is Issue => typeof i?.where === 'string' && typeof i?.what === 'string') : []
  return new AppError(code, typeof detail === 'string' ? detail : String(title ?? ''), { issues: list })
}
