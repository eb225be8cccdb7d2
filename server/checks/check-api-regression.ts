import type { Client } from '../../shared/contract/client.ts'
import type { Prediction } from '../../shared/contract/serving.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { ApiCase } from './api-cases.ts'
import type { Check } from './check.ts'

const near = (given: number, wanted: number, tolerance: number): boolean =>
  Math.abs(given - wanted) <= tolerance * Math.max(1, Math.abs(wanted))

const short = (value: unknown): string => String(typeof value === 'number' ? Number(value.toPrecision(6)) : value)

function held(expect: ApiCase['expect'], { label, probabilities, outputs }: Prediction): Omit<Check, 'check'> {
  if ('error' in expect) return { ok: false, what: `answered, expected ${expect.error}` }
  if ('label' in expect) {
    const answered = label === '' ? 'no label' : label
    return { ok: label === expect.label, what: `answered ${answered}, expected ${expect.label}` }
  }
  const wanted = 'number' in expect ? [expect.number] : expect.probabilities
  const given = 'number' in expect ? (outputs?.[0]?.data ?? []).map(Number) : probabilities
  const ok = given.length === wanted.length && given.every((value, i) => near(value, wanted[i] ?? Number.NaN, expect.tolerance))
  return {
    ok,
    what: `answered ${given.slice(0, 6).map(short).join(' ') || 'nothing'}, expected ${wanted.slice(0, 6).map(short).join(' ')}`,
  }
}

/** Asks a version each case by itself, over the API, and holds the answer against what is expected: a version that takes other inputs now fails them. Throws what is no answer of the version: network, a missing right. */
export async function checkRegression(client: Client, model: Slug, version: number, cases: readonly ApiCase[]): Promise<Check[]> {
  const checks: Check[] = []
  for (const [i, { input, expect }] of cases.entries()) {
    const check = `case ${i + 1}`
    try {
      const { predictions } = await client('models.predict', { params: { model }, body: { inputs: [input], version } })
      const [prediction] = predictions
      checks.push({ check, ...(prediction === undefined ? { ok: false, what: 'answered nothing' } : held(expect, prediction)) })
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.status >= 500 || NO_ANSWER.has(thrown.code)) throw thrown
      const wanted = 'error' in expect ? expect.error : 'an answer'
      checks.push({
        check,
        ok: thrown.code === wanted,
        what: `failed with ${thrown.code}, expected ${wanted}: ${thrown.detail}`.slice(0, 1000),
      })
    }
  }
  return checks
}

/** Say nothing of the version: whoever asks may not, or asks for one that is not there. */
const NO_ANSWER: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'network',
  'unknown_model',
  'unknown_version',
])
