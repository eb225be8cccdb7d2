import { expect, test } from 'vitest'
import { afterLoss, demotion, type GpuLosses } from '../../../client/sdk/gpu-losses.ts'

const MINUTE = 60_000
const T = Date.UTC(2026, 0, 1)
const losses = (...minutes: number[]): GpuLosses | undefined =>
  minutes.reduce<GpuLosses | undefined>((known, minute) => afterLoss(known, 'gpu a', T + minute * MINUTE), undefined)

test('[DEV-61] two losses within ten minutes demote WebGPU for a day, two that are further apart do not', () => {
  expect(demotion(losses(0), T)).toBeUndefined()
  expect(demotion(losses(0, 11), T + 11 * MINUTE)).toBeUndefined()
  const twice = losses(0, 11, 20)
  expect(demotion(twice, T + 20 * MINUTE)).toMatchObject({
    fingerprint: 'gpu a',
    why: expect.stringContaining('2 times within 10 minutes'),
  })
  expect(demotion(twice, T + (20 + 24 * 60) * MINUTE - 1)).toBeDefined()
  expect(demotion(twice, T + (20 + 24 * 60) * MINUTE)).toBeUndefined()
})

test('[DEV-61] one loss that several tabs and models notice counts once; another browser or GPU starts afresh', () => {
  expect(losses(0, 0, 0.01, 0.05)?.at).toEqual([T])
  const other = afterLoss(losses(0, 5), 'gpu b', T + 6 * MINUTE)
  expect(demotion(other, T + 6 * MINUTE)).toBeUndefined()
  expect(other.fingerprint).toBe('gpu b')
})
