import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Model } from '../../../client/sdk/api.ts'
import { memoryLocks } from '../../../client/sdk/locks.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { must } from '../../../shared/core/assert.ts'
import { MAX_REPORT_BYTES } from '../../../shared/core/limits.ts'
import { CALIBRATION_BINS, report } from '../../../shared/stats/report.ts'
import { validateCounters } from '../../../shared/stats/counters.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitWeights } from '../../simulator/digit-model.ts'
import { createKit, type Kit, MODEL, offline } from './kit.ts'

let kit: Kit
beforeEach(async () => {
  kit = await createKit()
})
afterEach(() => kit.close())

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)

/** Asks about `count` digits and says what each was. How many were right. */
async function use(model: Model, count: number, from = 0): Promise<number> {
  let right = 0
  for (let i = from; i < from + count; i++) {
    const answer = await model.predict(digit(i))
    const label = String(digitLabels[i])
    await model.feedback(answer.id, label)
    if (answer.label === label) right++
  }
  return right
}

/** What the server has counted of a version. */
async function counted(version = 1) {
  const { windows, current } = await kit.admin('monitoring.windows', { params: { model: MODEL }, query: { version: String(version) } })
  const last = current ?? windows.at(-1)
  return {
    predictions: last?.predictions ?? 0,
    feedback: last?.accuracy.n ?? 0,
    accuracy: last?.accuracy.value ?? null,
    reports: last?.reports ?? 0,
    backends: last?.backends ?? {},
  }
}

const sendingFails = (): void => {
  kit.intercept = (path, init, next) => (path === '/v1/reports' ? offline(path, init, next) : next(path, init))
}

test('[DEV-23] what is counted is what happened, fits the manifest, and reaches the server', async () => {
  const { made } = await kit.publish()
  const shoal = await kit.device()
  const model = await shoal.load('digits')
  const right = await use(model, 30)
  const [pending] = (await shoal.whatIsSent()).reports
  const parsed = report.parse(pending)
  expect(JSON.stringify(parsed).length).toBeLessThan(MAX_REPORT_BYTES)
  expect(validateCounters(parsed.counters, made.draft.references, { maximum: parsed.predictions }).ok).toBe(true)
  expect(parsed).toMatchObject({ predictions: 30, version: 1, model: 'digits', backend: model.backend, selfRollbacks: [], dropped: 0 })
  expect(must(parsed.counters['brightness'], 'brightness').n).toBe(30)
  expect(must(parsed.counters['prediction'], 'prediction').n).toBe(30)
  expect(must(parsed.calibration, 'calibration').n.length).toBe(CALIBRATION_BINS)
  expect(total(must(parsed.outcomes, 'outcomes').right)).toBe(right)
  expect(must(parsed.latency, 'latency').n).toBe(30)
  await model.flush()
  expect(await counted()).toMatchObject({ predictions: 30, feedback: 30, accuracy: right / 30, reports: 1 })
  expect((await shoal.whatIsSent()).reports).toEqual([])
})

test('[DEV-24] what is shown as sent is sent, byte for byte', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const model = await shoal.load('digits')
  sendingFails()
  await use(model, 3)
  await model.flush()
  const shown = (await shoal.whatIsSent()).reports
  const bodies: unknown[] = []
  kit.intercept = (path, init, next) => {
    if (path === '/v1/reports') bodies.push(JSON.parse(String(init.body)))
    return next(path, init)
  }
  await shoal.flush()
  expect(bodies).toEqual([{ reports: shown }])
  expect(JSON.stringify(shown)).not.toContain(shoal.device)
})

test('[DEV-25] feedback counts once, on whatever version it was about', async () => {
  await kit.publish()
  const model = await (await kit.device()).load('digits')
  const answer = await model.predict(digit(0))
  expect(await model.feedback(answer.id, '7')).toMatchObject({ counted: true, shared: false })
  expect(await model.feedback(answer.id, '7')).toMatchObject({ counted: false, shared: false })
  expect(await model.feedback('pre_00000000000000000000', '7')).toMatchObject({ counted: false, shared: false })
  const open = await model.predict(digit(1))
  await expect(model.feedback(open.id, 'seven')).rejects.toMatchObject({ code: 'invalid_input' })
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  expect(await model.feedback(open.id, null)).toMatchObject({ counted: true, shared: false })
  await model.flush()
  expect(await counted(1)).toMatchObject({ feedback: 2, accuracy: 0.5 })
})

test('[DEV-26] nothing counted is lost offline or with the page, and nothing counts twice', async () => {
  await kit.publish()
  const storage = memoryStorage()
  let lost = 0
  const model = await (await kit.device({ storage })).load('digits')
  kit.intercept = offline
  await use(model, 10)
  await model.flush()
  await use(model, 5, 10)
  // the page dies here, with ten predictions in the outbox and five only counted; the next one finds them
  const next = await kit.device({ storage, locks: memoryLocks() })
  const again = await next.load('digits')
  await use(again, 5, 15)
  // the answer to the first sending is lost: the same reports are sent again
  kit.intercept = async (path, init, send) => {
    const response = await send(path, init)
    if (path === '/v1/reports' && lost++ === 0) throw new TypeError('Failed to fetch')
    return response
  }
  await next.flush()
  await next.flush()
  expect(lost).toBeGreaterThan(1)
  expect(await storage.outboxSize()).toBe(0)
  expect(await counted()).toMatchObject({ predictions: 20, feedback: 20 })
})

test('[DEV-26] a tab that lives keeps its own counts', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const locks = memoryLocks()
  const one = await (await kit.device({ storage, locks })).load('digits')
  await use(one, 4)
  const two = await (await kit.device({ storage, locks })).load('digits')
  await use(two, 3, 4)
  await two.flush()
  expect(await counted()).toMatchObject({ predictions: 3 })
  await one.flush()
  expect(await counted()).toMatchObject({ predictions: 7 })
})

test('[DEV-27] a window ends after fifty predictions or a quarter of an hour', async () => {
  await kit.publish()
  const model = await (await kit.device()).load('digits')
  await use(model, 49)
  expect((await counted()).predictions).toBe(0)
  await use(model, 1, 49)
  await vi.waitFor(async () => expect((await counted()).predictions).toBe(50))
  await use(model, 1, 60)
  await kit.clock.advance(16 * 60 * 1000)
  await use(model, 1, 61)
  await vi.waitFor(async () => expect((await counted()).predictions).toBe(52))
})

test('[DEV-28] the names of reports of different days cannot be joined', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const model = await shoal.load('digits')
  sendingFails()
  for (let day = 0; day < 3; day++) {
    await use(model, 2, 2 * day)
    await model.flush()
    await use(model, 2, 10 + 2 * day)
    await model.flush()
    await kit.clock.advance(24 * 60 * 60 * 1000)
  }
  const { reports } = await shoal.whatIsSent()
  expect(reports.map(({ sequence }) => sequence)).toEqual([0, 1, 0, 1, 0, 1])
  expect(new Set(reports.map(({ epoch }) => epoch)).size).toBe(3)
  expect(reports.every(({ window }) => window % 60_000 === 0)).toBe(true)
})

test('[DEV-29] the outbox has a cap: the oldest goes, and is counted', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const shoal = await kit.device({ storage })
  const model = await shoal.load('digits')
  sendingFails()
  for (let i = 0; i < 405; i++) {
    await model.predict(digit(0))
    await model.flush()
  }
  expect(await storage.outboxSize()).toBe(400)
  const { reports } = await shoal.whatIsSent()
  expect(total(reports.map(({ dropped }) => dropped))).toBeGreaterThanOrEqual(4)
})

test('[DEV-30] statistics are sent only with consent; refusing deletes what waits', async () => {
  await kit.publish()
  const shoal = await kit.device({ globalPrivacyControl: true, consent: { statistics: true, sharing: true } })
  expect([shoal.consent.statistics, shoal.consent.sharing]).toEqual([false, false])
  const model = await shoal.load('digits')
  await use(model, 5)
  await model.flush()
  expect(kit.requests.filter((line) => line.startsWith('POST'))).toEqual([])
  expect(await shoal.whatIsSent()).toEqual({ reports: [], examples: [] })

  await shoal.consent.set({ statistics: true })
  sendingFails()
  await use(model, 5)
  await model.flush()
  expect((await shoal.whatIsSent()).reports.length).toBe(1)
  await shoal.consent.set({ statistics: false })
  expect((await shoal.whatIsSent()).reports).toEqual([])
})

test('[DEV-31] an example is shared only where the app asks and the person agreed, and once', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const shoal = await kit.device({ storage })
  const model = await shoal.load('digits')
  const first = await model.predict(digit(0))
  expect(await model.feedback(first.id, '7', { share: true })).toMatchObject({ counted: true, shared: false })
  await shoal.consent.set({ sharing: true })
  const second = await model.predict(digit(1))
  expect(await model.feedback(second.id, '2')).toMatchObject({ counted: true, shared: false })
  const third = await model.predict(digit(2))
  expect(await model.feedback(third.id, '1', { share: true })).toMatchObject({ counted: true, shared: true })
  const [example] = (await shoal.whatIsSent()).examples
  expect(example).toMatchObject({ label: '1', shape: [28, 28, 1] })
  expect(atob(must(example, 'an example').data).length).toBe(784)
  await model.flush()
  expect((await shoal.whatIsSent()).examples).toEqual([])
  expect(await storage.outboxSize()).toBe(0)
  expect(kit.requests.filter((line) => line === 'POST /v1/models/digits/examples').length).toBe(1)
})

test('[DEV-32] forget deletes everything that is kept here', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const shoal = await kit.device({ storage })
  await use(await shoal.load('digits'), 3)
  await shoal.forget()
  expect(await storage.versions()).toEqual([])
  expect(await storage.models()).toEqual([])
  expect(await storage.setting('identity')).toBeUndefined()
  expect(await storage.outboxSize()).toBe(0)
})

test('[DEV-33] a token that the server no longer takes is replaced, and nothing is lost by it', async () => {
  await kit.publish()
  const shoal = await kit.device()
  const model = await shoal.load('digits')
  await use(model, 3)
  let refusals = 0
  kit.intercept = (path, init, next) => {
    if (path !== '/v1/reports' || refusals++ > 0) return next(path, init)
    return next(path, { ...init, headers: { ...(init.headers as Record<string, string>), authorization: 'Bearer shd_nobody' } })
  }
  await model.flush()
  expect(refusals).toBe(2)
  expect((await counted()).predictions).toBe(3)
})

test('[DEV-26] what waited when the page was closed goes out when it opens again', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const shoal = await kit.device({ storage })
  await use(await shoal.load('digits'), 4)
  await shoal.dispose()
  expect(await storage.outboxSize()).toBe(1)
  await (await kit.device({ storage })).load('digits')
  await vi.waitFor(async () => expect((await counted()).predictions).toBe(4))
})
