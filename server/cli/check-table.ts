import { EXIT_CODES, type Check } from '../checks/check.ts'
import type { Output } from './output.ts'

/** The table of what was looked at, and what the job is told. `more` goes into the JSON. */
export function checkTable(output: Output, kind: keyof typeof EXIT_CODES, checks: readonly Check[], more: object = {}): number {
  const ok = checks.every((check) => check.ok)
  output.table(
    checks,
    [
      { title: 'CHECK', value: ({ check }) => check },
      { title: 'RESULT', value: (check) => (check.ok ? 'ok' : 'failed') },
      { title: 'WHAT', value: ({ what }) => what },
    ],
    { kind, ok, ...more, checks },
    'nothing was checked',
  )
  return ok ? 0 : EXIT_CODES[kind]
}
