import * as z from 'zod'

/** What one stage of `npm test` came to; a check counts as one, a test run as its tests. */
export type StageResult = { readonly passed: number; readonly failed: number; readonly skipped: number; readonly output: string }

const Report = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), numPendingTests: z.int(), numTodoTests: z.int() })

/**
 * Totals from vitest's JSON report. A run that ended badly with no failed test (a file that does not load, an unhandled
 * rejection, no test at all) is one failure, so that it can never read as a success.
 */
export function countOf(report: unknown, code: number, output: string): StageResult {
  const parsed = Report.safeParse(report)
  if (!parsed.success) return { passed: 0, failed: 1, skipped: 0, output }
  const { numPassedTests: passed, numFailedTests, numPendingTests, numTodoTests } = parsed.data
  return { passed, failed: Math.max(numFailedTests, code === 0 ? 0 : 1), skipped: numPendingTests + numTodoTests, output }
}

export function lineOf(name: string, { passed, failed, skipped }: StageResult, seconds: number): string {
  const counts =
    passed + failed === 1 ? '' : ` ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`
  return `${failed === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(18)} ${seconds.toFixed(1).padStart(6)} s ${counts}`.trimEnd()
}

export function lastLine(results: readonly StageResult[]): string {
  const sum = (pick: (result: StageResult) => number): number => results.reduce((total, result) => total + pick(result), 0)
  return `${sum((r) => r.passed)} passed, ${sum((r) => r.failed)} failed`
}
