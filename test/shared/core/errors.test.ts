import { expect, test } from 'vitest'
import { AppError, ERROR_CODES, ERRORS, fromProblem, toAppError, toProblem } from '../../../shared/core/errors.ts'

test.each(ERROR_CODES)('[CORE-2] %s becomes a problem document and is read back from it', (code) => {
  const error = new AppError(code, 'what was wrong', { issues: [{ where: 'body.name', what: 'too long' }] })
  const problem = toProblem(error, 'urn:x')
  expect(problem).toMatchObject({
    code,
    status: ERRORS[code].status,
    title: ERRORS[code].title,
    retryable: ERRORS[code].retryable,
    detail: 'what was wrong',
    instance: 'urn:x',
  })
  expect(problem.type).toMatch(/^urn:shoal:problem:[a-z-]+$/)
  expect(problem.status).toBeGreaterThanOrEqual(400)
  const read = fromProblem(JSON.parse(JSON.stringify(problem)))
  expect(read).toMatchObject({ code, detail: error.detail, issues: error.issues })
})

test.each([[null], ['text'], [{}], [{ code: 'no_such_code' }], [{ code: 'toString' }], [[]]])(
  '[CORE-2] %j is no problem document',
  (value) => {
    expect(fromProblem(value)).toBeUndefined()
  },
)

test('[CORE-2] anything thrown becomes an AppError that keeps its cause', () => {
  const own = new AppError('conflict', 'x')
  expect(toAppError(own)).toBe(own)
  expect(toAppError(new DOMException('gone', 'AbortError'))).toMatchObject({ code: 'aborted' })
  const bug = new Error('bug')
  expect(toAppError(bug)).toMatchObject({ code: 'internal', detail: 'bug', cause: bug })
  expect(toAppError('text')).toMatchObject({ code: 'internal', detail: 'text' })
})
