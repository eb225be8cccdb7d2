import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ContributeProgress, Model, Shoal } from '../../../../client/sdk/api.ts'
import type { DeviceOptions } from '../../../../client/sdk/device.ts'
import { memoryStorage } from '../../../../client/sdk/storage/memory-storage.ts'
import type { Trainer } from '../../../../client/sdk/training/trainer.ts'
import { must } from '../../../../shared/core/assert.ts'
import type { Sha256 } from '../../../../shared/core/digest.ts'
import { AppError } from '../../../../shared/core/errors.ts'
import { l2Norm } from '../../../../shared/federated/update.ts'
import { decodeSafetensors } from '../../../../shared/tensor/safetensors.ts'
import { digit } from '../../../shared/data/mnist.ts'
import { digitWeights } from '../../../simulator/digit-model.ts'
import { createKit, type Kit, MODEL, offline } from '../kit.ts'
import { digitsOf, nodeTrainer, teach } from './learner.ts'

const PLAN = { base: 1, epochs: 2, batchSize: 8, learningRate: 0.1, seed: 1, clipNorm: 5, maxExamples: 100 }

let kit: Kit
let bodies: Uint8Array[]
beforeEach(async () => {
  kit = await createKit()
  bodies = []
  kit.intercept = async (path, init, next) => {
    if (path.endsWith('/update')) bodies.push(new Uint8Array(init.body as Uint8Array))
    return next(path, init)
  }
  await kit.publish()
})
afterEach(() => kit.close())

const begin = (more: { plan?: Partial<typeof PLAN>; wanted?: number } = {}) =>
  kit.admin('rounds.open', {
    params: { model: MODEL },
    body: { plan: { ...PLAN, ...more.plan }, wanted: more.wanted ?? 2, minimum: 1, durationMs: 3_600_000 },
  })
const roundOf = (id: Awaited<ReturnType<typeof begin>>['id']) => kit.admin('rounds.get', { params: { round: id } })

async function learner(options: Partial<DeviceOptions> = {}, images = digitsOf([0, 1], 12)): Promise<{ shoal: Shoal; model: Model }> {
  const shoal = await kit.device({ trainer: nodeTrainer(), consent: { statistics: false, training: true }, ...options })
  const model = await shoal.load('digits')
  await teach(model, images)
  return { shoal, model }
}

describe('consent to training', () => {
  test('[DEV-50] is off until the person gives it, whatever the app says under Global Privacy Control; without it nothing is kept, asked or registered', async () => {
    const shoal = await kit.device({ trainer: nodeTrainer(), consent: { statistics: false } })
    const guarded = await kit.device({ trainer: nodeTrainer(), consent: { training: true }, globalPrivacyControl: true })
    expect([shoal.consent.training, guarded.consent.training]).toEqual([false, false])
    const model = await shoal.load('digits')
    const answer = await model.predict(digit(0))
    expect(await model.feedback(answer.id, '7')).toEqual({ counted: true, shared: false, kept: false })
    expect(await model.keptExamples()).toBe(0)
    const before = kit.requests.length
    expect(await model.contribute()).toMatchObject({ outcome: 'refused', code: 'forbidden' })
    expect(kit.requests.length).toBe(before)
    await guarded.consent.set({ training: true })
    expect(guarded.consent.training).toBe(true)
  })

  test('[DEV-51] examples stay on the device until it is withdrawn; then they are gone, and so is what was being trained', async () => {
    const storage = memoryStorage()
    const started = Promise.withResolvers<void>()
    const endless: Trainer = {
      train: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          started.resolve()
          signal.addEventListener('abort', () => reject(new AppError('aborted', 'ended')))
        }),
    }
    const { shoal, model } = await learner({ storage, trainer: endless })
    expect(await model.keptExamples()).toBe(12)
    expect(await shoal.whatIsSent()).toEqual({ reports: [], examples: [] })
    await begin()
    const contribution = model.contribute()
    await started.promise
    await shoal.consent.set({ training: false })
    expect(await contribution).toMatchObject({ outcome: 'refused', code: 'forbidden' })
    expect(bodies).toEqual([])
    expect(await model.keptExamples()).toBe(0)
    expect(await storage.setting('training examples digits 0')).toBeUndefined()
  })

  test('[DEV-51] a device keeps the 500 latest examples, over restarts too', async () => {
    const storage = memoryStorage()
    const { shoal, model } = await learner({ storage }, [])
    for (let i = 0; i < 503; i++) {
      const answer = await model.predict(digit(0))
      expect(await model.feedback(answer.id, i < 3 ? '1' : '7')).toMatchObject({ kept: true })
    }
    const none = await model.predict(digit(0))
    expect(await model.feedback(none.id, null)).toMatchObject({ kept: false })
    await shoal.dispose()
    let seen: readonly string[] = []
    const looking: Trainer = {
      train: ({ examples }) => {
        seen = examples.map(({ label }) => label)
        throw new AppError('training_diverged', 'only looking')
      },
    }
    await begin()
    const again = await learner({ storage, trainer: looking }, [])
    expect(await again.model.keptExamples()).toBe(500)
    expect(await again.model.contribute()).toMatchObject({ outcome: 'refused', code: 'training_diverged' })
    expect(seen.length).toBe(500)
    expect(new Set(seen)).toEqual(new Set(['7']))
  })
})

describe('a contribution', () => {
  test('[DEV-52] trains here from the base version, sends the clipped change and nothing else, and tells what happened', async () => {
    const round = await begin({ plan: { clipNorm: 0.05 } })
    // digits that the version often takes for each other: it is wrong about some, so there is something to learn
    const { shoal, model } = await learner({}, digitsOf([4, 9], 12))
    const progress: ContributeProgress[] = []
    const done = await model.contribute({ onProgress: (seen) => progress.push(seen) })
    expect(done).toMatchObject({ outcome: 'contributed', round: round.id, version: 1, examples: 12, clipped: true })
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(expect.arrayContaining(['ask', 'send']))
    const [body] = bodies
    const { tensors, metadata } = decodeSafetensors(must(body, 'an update'))
    expect(metadata).toEqual({ examples: '12' })
    expect(Object.keys(tensors).sort()).toEqual(['output/bias', 'output/kernel'])
    expect(l2Norm(tensors)).toBeCloseTo(0.05, 4)
    // the base was stored: nothing of it was downloaded again, and no example was sent
    expect(kit.requests.filter((path) => path.startsWith('GET /v1/blobs/')).length).toBe(2)
    expect(kit.requests.filter((path) => path.includes('/examples'))).toEqual([])
    expect(await roundOf(round.id)).toMatchObject({ accepted: 1, leases: 1 })
    expect((await model.predict(digit(0))).version).toBe(1)
    await shoal.dispose()
  })

  test('[DEV-53] counts once a round, even for a device that was registered anew; the next round takes it again', async () => {
    const round = await begin()
    const storage = memoryStorage()
    const { model, shoal } = await learner({ storage })
    expect(await model.contribute()).toMatchObject({ outcome: 'contributed' })
    expect(await model.contribute()).toMatchObject({ outcome: 'no-round' })
    await shoal.dispose()
    await storage.updateSetting('identity', () => undefined)
    const again = await learner({ storage }, [])
    expect(await again.model.contribute()).toMatchObject({ outcome: 'no-round', why: expect.stringContaining('has taken part') })
    expect(bodies.length).toBe(1)
    await kit.admin('rounds.close', { params: { round: round.id } })
    expect(await again.model.contribute()).toMatchObject({ outcome: 'no-round' })
    await begin()
    expect(await again.model.contribute()).toMatchObject({ outcome: 'contributed' })
  })

  test('[DEV-53] an answer that got lost is asked for again with the same bytes, and counts once', async () => {
    const round = await begin()
    const { model } = await learner({
      retries: 1,
      clock: { ...kit.clock, sleep: (ms, signal) => (ms < 5000 ? Promise.resolve() : kit.clock.sleep(ms, signal)) },
    })
    kit.intercept = async (path, init, next) => {
      if (!path.endsWith('/update')) return next(path, init)
      bodies.push(new Uint8Array(init.body as Uint8Array))
      const answer = await next(path, init)
      if (bodies.length === 1) throw new TypeError('Failed to fetch')
      return answer
    }
    expect(await model.contribute()).toMatchObject({ outcome: 'contributed', why: 'counted before' })
    expect(bodies[0]).toEqual(bodies[1])
    expect(await roundOf(round.id)).toMatchObject({ accepted: 1 })
  })

  test('[DEV-54] what stands in the way is told by its code and harms nothing: no examples, no round, no network, too late, nothing to train with', async () => {
    const { model, shoal } = await learner({}, [])
    expect(await model.contribute()).toMatchObject({ outcome: 'refused', code: 'invalid_input' })
    await teach(model, digitsOf([3], 4))
    expect(await model.contribute()).toMatchObject({ outcome: 'no-round' })
    const round = await begin()
    const passing = kit.intercept
    kit.intercept = offline
    expect(await model.contribute()).toMatchObject({ outcome: 'refused', code: 'network' })
    kit.intercept = async (path, init, next) => {
      if (path.endsWith('/update')) await kit.admin('rounds.close', { params: { round: round.id } })
      return next(path, init)
    }
    expect(await model.contribute()).toMatchObject({ outcome: 'refused', code: 'conflict', why: expect.stringContaining('too late') })
    kit.intercept = passing
    const unable = await kit.device({ consent: { training: true } })
    expect(await (await unable.load('digits')).contribute()).toMatchObject({ outcome: 'refused', code: 'unavailable' })
    expect((await model.predict(digit(0))).version).toBe(1)
    await shoal.dispose()
  })

  test('[DEV-55] is aborted at once, hands in nothing, and can be made again under the same lease; two at a time are one', async () => {
    // enough to do that training is still under way when the abort comes
    const round = await begin({ plan: { epochs: 100, batchSize: 1, maxExamples: 300 } })
    const { model } = await learner({}, digitsOf([2, 3], 300))
    const aborting = new AbortController()
    let batches = 0
    const contribution = model.contribute({
      signal: aborting.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'train') batches = done
        if (batches > 0) aborting.abort()
      },
    })
    expect(await model.contribute()).toMatchObject({ outcome: 'refused', code: 'conflict' })
    await expect(contribution).rejects.toMatchObject({ code: 'aborted' })
    expect(batches).toBeGreaterThan(0)
    expect(bodies).toEqual([])
    expect(await model.contribute({})).toMatchObject({ outcome: 'contributed', examples: 300 })
    expect(await roundOf(round.id)).toMatchObject({ leases: 1, accepted: 1 })
    await expect(model.contribute({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })

  test('[DEV-56] a base version that is not stored is downloaded and verified, and changes nothing here', async () => {
    const storage = memoryStorage()
    const { model } = await learner({ storage })
    await kit.publish({ errorRate: 0.21 })
    await model.checkForUpdate()
    expect(model.version).toBe(2)
    const { made } = await kit.register({ weights: digitWeights({ jitter: 3 }) })
    await begin({ plan: { base: 3 } })
    const before = kit.requests.length
    const loaded: number[] = []
    const done = await model.contribute({ onProgress: (seen) => seen.phase === 'download' && loaded.push(seen.done) })
    expect(done).toMatchObject({ outcome: 'contributed', version: 3, examples: 12 })
    const fetched = kit.requests.slice(before).flatMap((request) => request.split('/v1/blobs/')[1] ?? [])
    expect(fetched).toContain(made.pieces[0]?.digest)
    expect(Math.max(...loaded)).toBe(made.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0))
    for (const digest of fetched) expect(await storage.hasPiece(digest as Sha256)).toBe(false)
    expect((await storage.versions()).map(({ version }) => version)).not.toContain(3)
    expect(model.version).toBe(2)
  })
})
