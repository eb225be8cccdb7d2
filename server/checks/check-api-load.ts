import type { Client } from '../../shared/contract/client.ts'
import type { PredictInput } from '../../shared/contract/serving.ts'
import { must } from '../../shared/core/assert.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { toAppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { Check } from './check.ts'

export type LoadOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly model: Slug
  readonly version: number
  readonly inputs: readonly PredictInput[]
  /** Callers, each of whom asks again as soon as it is answered. */
  readonly callers: number
  readonly ms: number
  /** Least answers a second, and most milliseconds of an answer (95th percentile). */
  readonly qps?: number | undefined
  readonly latencyMs?: number | undefined
}

/** The value that a share q of the sorted values does not exceed (nearest rank). */
const quantile = (sorted: readonly number[], q: number): number =>
  must(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)], 'at least one value')

const rounded = (value: number): number => Number(value.toPrecision(4))

/**
 * Asks a version for as long as is said, as many callers at a time: answers a second and their latency as callers see it (travel included), in milliseconds.
 * The first answer, for which the version is loaded, comes before and is not counted; where it fails, that is thrown.
 */
export async function checkLoad(client: Client, options: LoadOptions): Promise<{ checks: Check[]; figures: Record<string, number> }> {
  const { clock, model, version, inputs, callers, ms } = options
  const ask = (i: number) =>
    client('models.predict', { params: { model }, body: { inputs: [must(inputs[i % inputs.length], 'an input')], version } })
  await ask(0)
  const times: number[] = []
  const failures = new Map<string, number>()
  let asked = 0
  const began = clock.monotonic()
  const caller = async () => {
    while (clock.monotonic() - began < ms) {
      const at = clock.monotonic()
      try {
        await ask(asked++)
        times.push(clock.monotonic() - at)
      } catch (thrown) {
        const { code } = toAppError(thrown)
        failures.set(code, (failures.get(code) ?? 0) + 1)
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = Math.max(1e-3, (clock.monotonic() - began) / 1000)
  const failed = [...failures.values()].reduce((sum, n) => sum + n, 0)
  const told = [...failures].map(([code, n]) => `${n} times ${code}`).join(', ')
  const all = {
    check: 'answers',
    ok: failed === 0 && times.length > 0,
    what: `${times.length} of ${asked} requests were answered${told === '' ? '' : `: ${told}`}`,
  }
  if (times.length === 0) return { checks: [all], figures: { callers, requests: asked, failed } }
  const sorted = times.sort((a, b) => a - b)
  const [qps, p50Ms, p95Ms, p99Ms] = [times.length / seconds, quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)].map(
    rounded,
  ) as [number, number, number, number]
  const least = options.qps ?? 0
  const most = options.latencyMs ?? Number.POSITIVE_INFINITY
  return {
    checks: [
      all,
      {
        check: 'qps',
        ok: qps >= least,
        what: `${qps} answers a second by ${callers} callers${options.qps === undefined ? '' : `, ${least} are asked for`}`,
      },
      {
        check: 'p95Ms',
        ok: p95Ms <= most,
        what: `95 % within ${p95Ms} ms${options.latencyMs === undefined ? '' : `, ${most} are allowed`}`,
      },
    ],
    figures: { callers, requests: asked, failed, qps, p50Ms, p95Ms, p99Ms },
  }
}
