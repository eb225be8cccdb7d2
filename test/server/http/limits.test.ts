import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from '../../../shared/core/clock.ts'
import { createRateLimiter } from '../../../server/http/rate-limit.ts'
import { createTestServer } from '../harness.ts'

test('[HTTP-7] a bucket lets through its burst at once and its rate in the long run', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 200 }),
      async (perSecond, burst, gaps) => {
        const clock = manualClock()
        const limiter = createRateLimiter({ clock, rate: { perSecond, burst } })
        let passed = 0
        for (const gap of gaps) {
          await clock.advance(gap)
          if (limiter.take('a') === 0) passed++
        }
        const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000
        expect(passed).toBeLessThanOrEqual(burst + seconds * perSecond + 1e-6)
        expect(passed).toBeGreaterThanOrEqual(Math.min(gaps.length, burst))
      },
    ),
  )
})

test('[HTTP-7] whoever waits as long as was said passes; others are not held up', async () => {
  const clock = manualClock()
  const limiter = createRateLimiter({ clock, rate: { perSecond: 0.5, burst: 2 } })
  expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 2])
  expect(limiter.take('b')).toBe(0)
  await clock.advance(2000)
  expect(limiter.take('a')).toBe(0)
})

test('[HTTP-7] public routes are limited by address, and say when to come back', async () => {
  const clock = manualClock()
  const server = await createTestServer({ clock, rateLimits: { public: { perSecond: 1, burst: 3 } } })
  const statuses = []
  for (let i = 0; i < 4; i++) statuses.push((await server.request('/v1/info')).status)
  expect(statuses).toEqual([200, 200, 200, 429])
  const refused = await server.request('/v1/info')
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true })
  // keys are not held up by a public flood
  expect((await server.request('/v1/models', { headers: { authorization: `Bearer ${server.keys.viewer}` } })).status).toBe(200)
  await clock.advance(1000)
  expect((await server.request('/v1/info')).status).toBe(200)
  await server.close()
})

test('[HTTP-7] guessing keys is slowed down, right keys are not', async () => {
  const server = await createTestServer({ rateLimits: { failures: { perSecond: 0.1, burst: 5 } } })
  const guess = async () =>
    (await server.request('/v1/models', { headers: { authorization: `Bearer shoal_admin_${'x'.repeat(43)}` } })).status
  const statuses = []
  for (let i = 0; i < 7; i++) statuses.push(await guess())
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  expect((await server.request('/v1/models', { headers: { authorization: `Bearer ${server.keys.viewer}` } })).status).toBe(200)
  await server.close()
})
