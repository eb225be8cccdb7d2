import { afterEach, expect, test } from 'vitest'
import { seededRandom } from '../../../shared/core/random.ts'
import { createWorld, MODEL, minute, newDevice, newEpoch, references, type World } from './world.ts'

const worlds: World[] = []
afterEach(async () => {
  for (const one of worlds.splice(0)) await one.close()
})

async function after(devices: number, shift: number) {
  const one = await createWorld({ monitoring: { maxReportsPerHour: 1e6, maxPredictionsPerHour: 1e9 } })
  worlds.push(one)
  const random = seededRandom(9)
  const device = newDevice(random)
  for (let i = 0; i < devices; i++)
    await one.monitoring.ingest(device, [one.report({ random, epoch: newEpoch(random), window: minute(one.clock.now()), shift })])
  return one
}

test('[DAT-33] training data beside what devices met: alike where the world is, skewed where it is not, with both sizes', async () => {
  const same = await (await after(150, 0)).monitoring.skew({ model: MODEL, version: 1 })
  expect(same.devices).toBe(150)
  expect(same.features.map(({ feature }) => feature).sort()).toEqual(['ink', 'slant'])
  for (const each of same.features) {
    expect(each).toMatchObject({
      kind: 'numeric',
      status: 'ok',
      infinityNorm: null,
      training: (references()[each.feature] as { n: number }).n,
    })
    expect(each.serving).toBeGreaterThan(200)
    expect(each.jensenShannonDivergence).toBeLessThan(0.05)
  }
  const other = await (await after(150, 0.15)).monitoring.skew({ model: MODEL, version: 1 })
  expect(other.features.filter(({ status }) => status === 'drift').map(({ feature }) => feature)).toEqual(['ink'])
  expect(other.features.find(({ feature }) => feature === 'ink')?.p).toBeLessThan(1e-6)
})

test('[DAT-33] nothing counted is nothing said; an unknown version is a coded failure', async () => {
  const one = await after(0, 0)
  expect(await one.monitoring.skew({ model: MODEL, version: 1 })).toMatchObject({
    from: null,
    devices: 0,
    features: [{ status: 'insufficient', jensenShannonDivergence: null, p: null }, { status: 'insufficient' }],
  })
  await expect(one.monitoring.skew({ model: MODEL, version: 9 })).rejects.toMatchObject({ code: 'unknown_version' })
})
