import { AppError, type ErrorCode } from '../../shared/core/errors.ts'

/** A failure whose answer carries headers of its own (Retry-After, Content-Range). */
export class FailureWithHeaders extends AppError {
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, detail: string, headers: Readonly<Record<string, string>>) {
    super(code, detail)
    this.headers = headers
  }
}

export const headersOf = (error: AppError): Record<string, string> => ({
  ...(error.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  ...(error instanceof FailureWithHeaders ? error.headers : {}),
})
