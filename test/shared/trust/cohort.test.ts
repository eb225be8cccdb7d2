import { expect, test } from 'vitest'
import { newId } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { cohortPosition, inCohort } from '../../../shared/trust/cohort.ts'

const random = seededRandom(11)
const devices = Array.from({ length: 4000 }, () => newId('device', random))

test('[TRU-7] a share of the devices is in the cohort, and growing it only adds devices', async () => {
  for (const [small, large] of [
    [0.1, 0.3],
    [0.3, 0.5],
  ] as const) {
    const inSmall = await Promise.all(devices.map((device) => inCohort('salt-one', device, small)))
    const inLarge = await Promise.all(devices.map((device) => inCohort('salt-one', device, large)))
    const share = inSmall.filter(Boolean).length / devices.length
    // four standard errors
    expect(Math.abs(share - small)).toBeLessThan(4 * Math.sqrt((small * (1 - small)) / devices.length))
    expect(inSmall.every((member, i) => !member || inLarge[i])).toBe(true)
  }
})

test('[TRU-7] nobody is in an empty share, everybody in a whole one', async () => {
  expect(await Promise.all(devices.slice(0, 100).map((device) => inCohort('s', device, 0)))).not.toContain(true)
  expect(await Promise.all(devices.slice(0, 100).map((device) => inCohort('s', device, 1)))).not.toContain(false)
})

test('[TRU-7] another salt draws the cohorts anew', async () => {
  const positions = (salt: string) => Promise.all(devices.slice(0, 2000).map((device) => cohortPosition(salt, device)))
  const [a, b] = [await positions('salt-one'), await positions('salt-two')]
  const mean = (xs: number[]) => xs.reduce((sum, x) => sum + x, 0) / xs.length
  const covariance = mean(a.map((x, i) => (x - 0.5) * ((b[i] ?? 0) - 0.5)))
  // uniform on [0,1): standard deviation 1/12 for the product of two
  expect(Math.abs(covariance)).toBeLessThan((4 * (1 / 12)) / Math.sqrt(2000))
})
