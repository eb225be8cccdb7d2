import { expect, test } from 'vitest'
import { createDevice } from '../../../client/sdk/device.ts'
import { webLocks } from '../../../client/sdk/locks.ts'
import { idbStorage } from '../../../client/sdk/storage/idb-storage.ts'
import { workerHost } from '../../../client/sdk/worker-host.ts'
import { must } from '../../../shared/core/assert.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import { asNumbers } from '../../../shared/tensor/model-tensor.ts'
import { FOREST_ANSWERS } from '../../../shared/trees/forest.ts'
import type { WorkerLike } from '../../../shared/worker/connect-worker.ts'
import { GOLDEN_ANSWERS, goldenVersion } from '../../shared/trees/golden-forests.ts'
import { staticServer } from './static-server.ts'

test.each(FOREST_ANSWERS)(
  '[CMP-120] a device in a browser gives to trees the bits that Node gives: %s',
  async (answer) => {
    const server = await staticServer()
    const version = await goldenVersion(answer)
    await server.publish(version)
    const spawn = () => new Worker(new URL('../../../workers/inference/main.ts', import.meta.url), { type: 'module' }) as WorkerLike
    const shoal = await createDevice({
      app: 'shapes',
      url: '',
      fetch: server.fetch,
      storage: idbStorage({ name: `trees-${answer}-${Date.now()}` }),
      host: workerHost({ spawn, clock: systemClock, allowSoftware: true }),
      locks: webLocks(navigator.locks),
      retries: 0,
      consent: { statistics: false },
    })
    const model = await shoal.load('shapes')
    expect(model).toMatchObject({ version: 1, backend: 'cpu' })
    expect(model.explainBackend()).toMatchObject({
      candidate: 'cpu',
      engine: 'trees',
      why: expect.stringContaining('trees are walked in plain JavaScript'),
    })
    const given: number[] = []
    for (const row of version.rows) {
      const { probabilities, outputs } = await model.predict(row)
      given.push(...(probabilities.length > 0 ? probabilities : asNumbers(must(outputs['output'], 'an output'), 'output').data))
    }
    expect(await sha256(new Uint8Array(Float32Array.from(given).buffer))).toBe(GOLDEN_ANSWERS[answer])
    await shoal.dispose()
  },
  60_000,
)
