import type { Clock } from '../../shared/core/clock.ts'

/** A token bucket: `burst` at once, `perSecond` in the long run. */
export type Rate = { readonly perSecond: number; readonly burst: number }

export type RateLimiter = {
  /** 0 when the request may pass; else the whole seconds after which to try again. */
  take(client: string): number
}

/** Buckets remembered at most; beyond it the ones that have filled up again are forgotten. */
const MAX_BUCKETS = 100_000

export function createRateLimiter({ clock, rate }: { readonly clock: Clock; readonly rate: Rate }): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  const refilled = (bucket: { tokens: number; at: number }, now: number): number =>
    Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond)
  const forgetFull = (now: number): void => {
    for (const [client, bucket] of buckets) if (refilled(bucket, now) >= rate.burst) buckets.delete(client)
    // a flood of new names: the oldest go, full or not
    for (const client of buckets.keys()) {
      if (buckets.size < MAX_BUCKETS) break
      buckets.delete(client)
    }
  }
  return {
    take: (client) => {
      const now = clock.monotonic()
      if (buckets.size >= MAX_BUCKETS && !buckets.has(client)) forgetFull(now)
      const bucket = buckets.get(client)
      const tokens = bucket ? refilled(bucket, now) : rate.burst
      if (tokens < 1) return Math.max(1, Math.ceil((1 - tokens) / rate.perSecond))
      buckets.set(client, { tokens: tokens - 1, at: now })
      return 0
    },
  }
}
