import { expect, test } from 'vitest'
import { createTrainingShare } from '../../../../client/sdk/training/training-share.ts'
import { seededRandom } from '../../../../shared/core/random.ts'
import { manualClock } from '../../../../shared/core/clock.ts'
import { createTrainingPace } from '../../../../shared/worker/training-pace.ts'

test('[DEV-62] training yields to answers that suffer from it, and takes the machine back when they do not', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed)
    const share = createTrainingShare()
    const noise = () => 1 + random.uniform() / 5
    let now = 0
    for (let i = 0; i < 100; i++) share.answered(20 * noise(), false, (now += 50))
    // a machine on which an answer takes as much longer as training works: up to four times
    const during: number[] = []
    for (let i = 0; i < 600; i++) {
      const ms = 20 * noise() * (1 + 3 * share.share(now))
      during.push(ms)
      share.answered(ms, true, (now += 50))
    }
    const settled = during.slice(200).sort((a, b) => a - b)
    expect(settled[Math.floor(settled.length * 0.95)]).toBeLessThan(2 * 24)
    expect(share.share(now)).toBeGreaterThan(0.04)
    expect(share.share(now)).toBeLessThan(0.5)
    for (let i = 0; i < 400; i++) share.answered(20 * noise(), true, (now += 50))
    expect(share.share(now)).toBe(1)
  }
})

test('[DEV-62] where nobody asks, or nothing is known of the usual times, training has the machine', () => {
  const share = createTrainingShare()
  for (let i = 0; i < 60; i++) share.answered(500, true, i)
  expect(share.share(60)).toBe(1)
  for (let i = 0; i < 60; i++) share.answered(10, false, 60 + i)
  for (let i = 0; i < 60; i++) share.answered(50, true, 120 + i)
  expect(share.share(200)).toBe(0.125)
  expect(share.share(2300)).toBe(1)
})

test('[DEV-62] a share is kept by rests between steps; a pause lasts until it is ended', async () => {
  const clock = manualClock()
  const pace = createTrainingPace(clock)
  pace.share(0.25)
  const step = async () => {
    await clock.advance(10)
    const before = clock.now()
    const rest = pace.between()
    let over = false
    void rest.then(() => {
      over = true
    })
    for (let i = 0; i < 200 && !over; i++) await clock.advance(1)
    await rest
    return clock.now() - before
  }
  for (let i = 0; i < 5; i++) expect(await step()).toBe(30)
  pace.pause()
  let went = false
  const paused = pace.between().then(() => {
    went = true
  })
  await clock.advance(5000)
  expect(went).toBe(false)
  pace.resume()
  await clock.advance(2000)
  await paused
})
