import { afterAll, beforeAll, expect, test } from 'vitest'
import { must } from '../../shared/core/assert.ts'
import { digit, digitLabels } from '../shared/data/mnist.ts'
import { createKit, type Kit, MODEL } from '../client/sdk/kit.ts'
import { digitWeights } from './digit-model.ts'
import { createFleet, type Fleet, type SimulatedDevice } from './fleet.ts'

const COUNT = 100

let kit: Kit
let fleet: Fleet
beforeAll(async () => {
  kit = await createKit()
  await kit.publish({ errorRate: 0.25 })
  fleet = await createFleet({ fetch: kit.server.request, app: 'digits', count: COUNT, seed: 7, clock: kit.clock })
})
afterAll(async () => {
  await fleet.dispose()
  await kit.close()
})

/** A person who draws `count` digits and says what each was. */
async function use(device: SimulatedDevice, count: number): Promise<void> {
  const model = await device.shoal.load('digits')
  for (let i = 0; i < count; i++) {
    const at = device.random.integer(digitLabels.length)
    const answer = await model.predict(digit(at))
    await model.feedback(answer.id, String(must(digitLabels[at], 'a label')))
  }
  await model.flush()
}

test('[DEV-36] a hundred devices load, answer and report, on one runtime for each version', async () => {
  await fleet.each((device) => use(device, 10))
  const { windows } = await kit.admin('monitoring.windows', { params: { model: MODEL }, query: { version: '1' } })
  const window = must(windows.at(-1), 'a window')
  expect(window).toMatchObject({ devices: COUNT, predictions: 10 * COUNT })
  expect(window.accuracy.value).toBeGreaterThan(0.7)
  expect(window.features.filter(({ status }) => status === 'drift')).toEqual([])
})

test('[DEV-37] a worse candidate is taken back by what its devices report, each for itself and the fleet as one', async () => {
  const { version } = await kit.register({ weights: digitWeights({ permute: 3 }), errorRate: 0.25 })
  const started = await kit.admin('rollouts.start', {
    params: { model: MODEL },
    body: { candidate: version, reason: 'a test', policy: { stages: [{ share: 0.3, minDevices: 10 }], firstWindow: 10 } },
  })
  await fleet.each(async (device) => {
    await (await device.shoal.load('digits')).checkForUpdate()
    await use(device, 12)
  })
  const { rollout } = await kit.admin('rollouts.get', { params: { rollout: started.id } })
  expect(rollout.state).toBe('rolled-back')
  const ran = await fleet.each(async (device) => {
    const model = await device.shoal.load('digits')
    await model.checkForUpdate()
    return model.version
  })
  expect(new Set(ran)).toEqual(new Set([1]))
})
