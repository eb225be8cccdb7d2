import { type AppError, toProblem } from '../../shared/core/errors.ts'

/** An expected failure as the answer to a request (RFC 9457). */
export function problemResponse(error: AppError, requestId: string, headers: Record<string, string> = {}): Response {
  const problem = toProblem(error, `urn:shoal:request:${requestId}`)
  // what broke inside is for the log, not for the caller
  const shown =
    error.code === 'internal'
      ? { ...problem, detail: `Something broke inside Shoal. The log names it under request ${requestId}.` }
      : problem
  return new Response(JSON.stringify(shown), {
    status: error.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  })
}
