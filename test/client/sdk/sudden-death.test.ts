import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Shoal } from '../../../client/sdk/api.ts'
import type { DeviceStorage } from '../../../client/sdk/storage/device-storage.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitWeights } from '../../simulator/digit-model.ts'
import { createKit, type Kit, MODEL } from './kit.ts'

let kit: Kit
beforeEach(async () => {
  kit = await createKit()
})
afterEach(() => kit.close())

/** The page dies at its `last` write: that one happens or not, and nothing does afterwards. */
function mortal(
  storage: DeviceStorage,
  last: number,
  lastHappens: boolean,
): { storage: DeviceStorage; died: Promise<void>; writes: () => number } {
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  let writes = 0
  const never = new Promise<never>(() => undefined)
  const changing = new Set([
    'updateSetting',
    'updateModel',
    'dropVersion',
    'putPiece',
    'dropPiece',
    'sweep',
    'putPartial',
    'dropFromOutbox',
  ])
  const proxy = new Proxy(storage, {
    get(target, name: keyof DeviceStorage) {
      const method = target[name]
      if (typeof method !== 'function') return method
      return async (...args: never[]) => {
        if (writes >= last) return never
        if (changing.has(name) && ++writes === last) {
          if (lastHappens) await (method as (...all: never[]) => Promise<unknown>)(...args)
          die()
          return never
        }
        return (method as (...all: never[]) => unknown)(...args)
      }
    },
  })
  return { storage: proxy, died, writes: () => writes }
}

const ASKED = 6

/** An update, some answers with feedback, a report. */
async function live(shoal: Shoal): Promise<void> {
  const model = await shoal.load('digits', { strategy: 'latest' })
  for (let i = 0; i < ASKED; i++) {
    const answer = await model.predict(digit(i))
    await model.feedback(answer.id, String(digitLabels[i]))
  }
  await shoal.flush()
}

const predictions = async (): Promise<number> => {
  const { windows } = await kit.admin('monitoring.windows', { params: { model: MODEL } })
  return windows.reduce((sum, window) => sum + window.predictions, 0)
}

test('[DEV-49] whichever write was the last before the page died, the next start answers, and no prediction counts twice', async () => {
  await kit.publish()
  const stores: DeviceStorage[] = []
  for (let i = 0; i < 40; i++) {
    const storage = memoryStorage()
    await (await kit.device({ storage })).load('digits')
    stores.push(storage)
  }
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  let deaths = 0
  for (const [at, storage] of stores.entries()) {
    const before = await predictions()
    const dying = mortal(storage, 1 + (at >> 1), at % 2 === 0)
    const lived = (async () => live(await kit.device({ storage: dying.storage })))()
    if ((await Promise.race([dying.died.then(() => 'died'), lived.then(() => 'lived')])) === 'died') deaths++

    const shoal = await kit.device({ storage })
    const model = await shoal.load('digits', { strategy: 'latest' })
    expect((await model.predict(digit(0))).version).toBe(2)
    await shoal.flush()
    const counted = (await predictions()) - before
    expect(counted, `death at write ${1 + (at >> 1)}`).toBeGreaterThanOrEqual(1)
    expect(counted, `death at write ${1 + (at >> 1)}`).toBeLessThanOrEqual(ASKED + 1)
  }
  expect(deaths).toBeGreaterThan(30)
})
