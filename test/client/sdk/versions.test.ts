import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Model, ModelEvents, Shoal } from '../../../client/sdk/api.ts'
import { localHost } from '../../../client/sdk/local-host.ts'
import { memoryStorage } from '../../../client/sdk/storage/memory-storage.ts'
import { slug } from '../../../shared/core/fields.ts'
import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { generateKey, signerOf } from '../../../shared/trust/keys.ts'
import { type RootDocument, signRoot } from '../../../shared/trust/root.ts'
import { type ReleaseDocument, RELEASE_TYPE, releaseDocument, signRelease } from '../../../shared/trust/release.ts'
import { parseDocument } from '../../../shared/trust/parse-document.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { newId } from '../../../shared/core/ids.ts'
import { createInferenceService } from '../../../shared/worker/inference-service.ts'
import type { InferenceApi } from '../../../shared/worker/inference-api.ts'
import { cohortPosition } from '../../../shared/trust/cohort.ts'
import { wasmPath } from '../../shared/compute/node-backend.ts'
import { digit, digitLabels } from '../../shared/data/mnist.ts'
import { digitWeights } from '../../simulator/digit-model.ts'
import { createKit, type Kit, MODEL, offline } from './kit.ts'

const DAY = 24 * 60 * 60 * 1000
const stable = slug.parse('stable')

let kit: Kit
beforeEach(async () => {
  kit = await createKit()
})
afterEach(() => kit.close())

const releaseAt = async (alias = stable): Promise<ReleaseDocument> =>
  unwrap(parseDocument(await kit.admin('release.get', { params: { model: MODEL, alias } }), RELEASE_TYPE, releaseDocument))

/** Signs releases that the server would not: with a key of its own, and a root that allows it. */
async function forger() {
  const key = await generateKey()
  const signers = [await signerOf(key)]
  const role = { keyIds: [key.keyId], threshold: 1 }
  const now = kit.clock.now()
  const root: RootDocument = {
    type: 'root',
    version: 1,
    issued: now,
    expires: now + 365 * DAY,
    keys: [{ keyId: key.keyId, point: key.point }],
    roles: { root: role, targets: role, release: role },
  }
  return { root: await signRoot(root, signers), release: (document: ReleaseDocument) => signRelease(document, signers) }
}

/** Serves this release instead of the server's, signed by the server's own key. */
async function serve(change: (release: ReleaseDocument) => ReleaseDocument): Promise<void> {
  const document = change(await releaseAt())
  const envelope = await signRelease(document, [kit.server.services.trust.release])
  kit.intercept = async (path, init, next) => (path.includes('/releases/') ? Response.json(envelope) : next(path, init))
}

const heard = (model: Model, name: keyof ModelEvents) => {
  const events: unknown[] = []
  model.on(name, (event) => events.push(event))
  return events
}

const rollout = (
  release: ReleaseDocument,
  candidate: { version: number; manifest: ReleaseDocument['stable']['manifest'] },
  more: Partial<NonNullable<ReleaseDocument['rollout']>> = {},
): ReleaseDocument => ({
  ...release,
  sequence: release.sequence + 1,
  rollout: {
    id: newId('rollout', seededRandom(5)),
    mode: 'canary',
    candidate: { version: candidate.version, manifest: candidate.manifest },
    share: 1,
    salt: 'salt-of-a-test',
    stage: 0,
    firstWindow: 4,
    ...more,
  },
})

const manifestOf = async (version: number) =>
  must(
    (await kit.admin('versions.list', { params: { model: MODEL } })).items.find((item) => item.version === version),
    'a version',
  )

/** What the fleet has told of a version. */
async function selfRollbacksOf(version: number): Promise<number> {
  const { windows, current } = await kit.admin('monitoring.windows', { params: { model: MODEL }, query: { version: String(version) } })
  return [...windows, ...(current ? [current] : [])].reduce((sum, window) => sum + window.selfRollbacks, 0)
}

async function loaded(shoal?: Shoal): Promise<Model> {
  return (shoal ?? (await kit.device())).load('digits')
}

test('[DEV-11] a release older than one accepted before is refused, and what runs goes on', async () => {
  await kit.publish()
  const old = await kit.admin('release.get', { params: { model: MODEL, alias: stable } })
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  const model = await loaded()
  expect(model.version).toBe(2)
  kit.intercept = async (path, init, next) => (path.includes('/releases/') ? Response.json(old) : next(path, init))
  await expect(model.checkForUpdate()).rejects.toMatchObject({ code: 'older_document' })
  expect(model.version).toBe(2)
  expect((await model.predict(digit(0))).version).toBe(2)
})

test('[DEV-11] a release signed by another key, of another model, or altered is refused', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const model = await loaded(await kit.device({ storage }))
  const real = await releaseAt()
  const forged = await forger()
  const answers: [string, unknown][] = [
    ['untrusted_key', await forged.release({ ...real, sequence: 99 })],
    ['invalid_document', await signRelease({ ...real, model: slug.parse('other'), sequence: 99 }, [kit.server.services.trust.release])],
    ['invalid_document', '<html>'],
  ]
  for (const [code, body] of answers) {
    kit.intercept = async (path, init, next) => (path.includes('/releases/') ? Response.json(body) : next(path, init))
    await expect(model.checkForUpdate()).rejects.toMatchObject({ code })
  }
  expect((await storage.model('digits@stable'))?.sequence).toBe(real.sequence)
})

test('[DEV-12] another root is believed only when the trusted one signed it; a pinned one from the start', async () => {
  await kit.publish()
  const model = await loaded()
  const real = await releaseAt()
  const forged = await forger()
  kit.intercept = async (path, init, next) => {
    if (path.includes('/releases/')) return Response.json(await forged.release({ ...real, sequence: 99 }))
    return path === '/v1/root' ? Response.json(forged.root) : next(path, init)
  }
  await expect(model.checkForUpdate()).rejects.toMatchObject({ code: 'untrusted_key' })
  const root = await kit.admin('root.get')
  await expect((await kit.device({ root })).load('digits')).rejects.toMatchObject({ code: 'untrusted_key' })
  kit.intercept = undefined
  expect((await loaded(await kit.device({ root }))).version).toBe(1)
  await expect((await kit.device({ root: forged.root })).load('digits')).rejects.toMatchObject({ code: 'untrusted_key' })
})

test('[DEV-13] an expired release is not accepted: the version goes on answering, and is called stale', async () => {
  await kit.publish()
  const model = await loaded()
  const stale = heard(model, 'stale')
  await serve((release) => release)
  await kit.clock.advance(3 * DAY)
  expect(await model.checkForUpdate()).toEqual({ outcome: 'stale', version: 1 })
  expect(model.stale).toBe(true)
  expect(stale.length).toBe(1)
  expect((await model.predict(digit(0))).version).toBe(1)
  await expect((await kit.device()).load('digits')).rejects.toMatchObject({ code: 'document_expired' })
})

test('[DEV-13] a clock that was set back revives nothing', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const early = await releaseAt()
  await kit.clock.advance(2 * DAY)
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await loaded(await kit.device({ storage }))
  const setBack = { ...kit.clock, now: () => early.issued + 1000 }
  await serve((release) => ({ ...release, sequence: release.sequence + 1, issued: early.issued, expires: early.expires }))
  const model = await (await kit.device({ storage, clock: setBack })).load('digits', { strategy: 'cached' })
  expect(await model.checkForUpdate()).toEqual({ outcome: 'stale', version: 2 })
})

test('[DEV-14] a version that does not reproduce its golden outputs never answers, is told of, and is not tried again', async () => {
  await kit.publish()
  const model = await loaded()
  const refused = heard(model, 'refused')
  await kit.publish({ weights: digitWeights({ jitter: 1 }), spoilSelfTest: 0.5 })
  expect(await model.checkForUpdate()).toEqual({ outcome: 'refused', version: 1 })
  expect(refused).toMatchObject([{ version: 2, code: 'self_test_failed' }])
  expect((await model.predict(digit(0))).version).toBe(1)
  await vi.waitFor(async () => expect(await selfRollbacksOf(2)).toBe(1))
  kit.requests.length = 0
  expect(await model.checkForUpdate()).toMatchObject({ version: 1 })
  expect(kit.requests.filter((line) => line.includes('/blobs/'))).toEqual([])
  expect(refused.length).toBe(1)
})

test('[DEV-14] a first version that is unfit leaves the device without a model, and the code says why', async () => {
  await kit.publish({ spoilSelfTest: 0.5 })
  await expect((await kit.device()).load('digits')).rejects.toMatchObject({ code: 'self_test_failed' })
})

test('[DEV-15] a rollout reaches exactly the devices whose cohort it names', async () => {
  await kit.publish()
  const { version } = await kit.register({ weights: digitWeights({ jitter: 1 }) })
  const candidate = await manifestOf(version)
  await serve((release) => rollout(release, candidate, { share: 0.5 }))
  const got = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const shoal = await kit.device()
      const model = await shoal.load('digits')
      return [model.version, (await cohortPosition('salt-of-a-test', shoal.device)) < 0.5 ? 2 : 1]
    }),
  )
  for (const [ran, assigned] of got) expect(ran).toBe(assigned)
  expect(new Set(got.map(([ran]) => ran))).toEqual(new Set([1, 2]))
})

test('[DEV-16] a rollback in the release is a change of pointer: nothing is downloaded', async () => {
  await kit.publish()
  const model = await loaded()
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  expect(model.version).toBe(2)
  await kit.admin('aliases.rollback', { params: { model: MODEL, alias: stable }, body: { reason: 'it was worse' } })
  kit.requests.length = 0
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 1 })
  expect(kit.requests.filter((line) => line.includes('/blobs/') || line.includes('/manifests/'))).toEqual([])
  expect((await model.predict(digit(0))).version).toBe(1)
})

test('[DEV-17] a revoked version is left, even where its successor cannot be had', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const model = await loaded(await kit.device({ storage }))
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  const { version } = await kit.register({ weights: digitWeights({ jitter: 2 }) })
  const next = await manifestOf(version)
  const rolledBack = heard(model, 'rollback')
  await serve((release) => ({ ...release, sequence: release.sequence + 1, stable: { version, manifest: next.manifest }, revoked: [2] }))
  const served = must(kit.intercept, 'the release')
  kit.intercept = async (path, init, fetch) =>
    path.includes('/blobs/') || path.includes('/manifests/') ? offline(path, init, fetch) : served(path, init, fetch)
  await model.checkForUpdate()
  expect(model.version).toBe(1)
  expect(rolledBack).toMatchObject([{ from: 2, to: 1, code: 'version_revoked' }])
  kit.intercept = offline
  expect((await (await kit.device({ storage })).load('digits')).version).toBe(1)
})

test('[DEV-17] where every stored version is revoked nothing answers', async () => {
  await kit.publish()
  const model = await loaded()
  const { version } = await kit.register({ weights: digitWeights({ jitter: 2 }) })
  const next = await manifestOf(version)
  await serve((release) => ({ ...release, sequence: release.sequence + 1, stable: { version, manifest: next.manifest }, revoked: [1] }))
  const served = must(kit.intercept, 'the release')
  kit.intercept = async (path, init, fetch) => (path.includes('/manifests/') ? offline(path, init, fetch) : served(path, init, fetch))
  await model.checkForUpdate()
  expect(model.version).toBeNull()
  await expect(model.predict(digit(0))).rejects.toMatchObject({ code: 'version_revoked' })
  kit.intercept = served
  expect(await model.checkForUpdate()).toEqual({ outcome: 'updated', version: 2 })
})

test('[DEV-18] a version that answers NaN is left at once, offline, and the question is answered by the one before', async () => {
  await kit.publish()
  const storage = memoryStorage()
  const model = await loaded(await kit.device({ storage }))
  await kit.publish({ weights: digitWeights({ scale: 1e38 }) })
  await model.checkForUpdate()
  expect(model.version).toBe(2)
  kit.intercept = offline
  const rolledBack = heard(model, 'rollback')
  const answers = await Promise.all([0, 1, 2].map((i) => model.predict(digit(i))))
  expect(answers.map(({ version }) => version)).toEqual([1, 1, 1])
  expect(rolledBack).toEqual([{ from: 2, to: 1, code: 'output_not_finite' }])
  expect((await (await kit.device({ storage })).load('digits')).version).toBe(1)
  kit.intercept = undefined
  expect(await model.checkForUpdate()).toMatchObject({ version: 1 })
  await model.flush()
  expect(await selfRollbacksOf(2)).toBe(1)
})

/** A service whose worker dies under versions with this many bytes of golden output changed: a stand-in for one that takes its process down. */
function mortal(dies: () => boolean): InferenceApi {
  const service = createInferenceService({ wasmPath })
  return {
    ...service,
    predict: async (handle, input) => {
      if (dies()) throw new AppError('worker_died', 'the worker ended')
      return service.predict(handle, input)
    },
    load: async (request) => {
      if (dies()) throw new AppError('worker_died', 'the worker ended')
      return service.load(request)
    },
  }
}

test('[DEV-19] a version whose worker dies twice is left; once is forgiven', async () => {
  await kit.publish()
  let deaths = 0
  const model = await loaded(await kit.device({ host: localHost(mortal(() => deaths-- > 0)) }))
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  deaths = 1
  expect((await model.predict(digit(0))).version).toBe(2)
  for (let i = 0; i < 25; i++) await model.predict(digit(i))
  deaths = 1
  expect((await model.predict(digit(0))).version).toBe(2)
  const rolledBack = heard(model, 'rollback')
  deaths = 1
  expect((await model.predict(digit(0))).version).toBe(1)
  expect(rolledBack).toEqual([{ from: 2, to: 1, code: 'crash_loop' }])
})

test('[DEV-19] a version that took the page down twice while it started is not started a third time', async () => {
  await kit.publish()
  const storage = memoryStorage()
  await loaded(await kit.device({ storage }))
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await (await loaded(await kit.device({ storage }))).checkForUpdate()
  // the page dies while the version loads: the promise never settles
  const never = { load: () => new Promise<never>(() => undefined), dispose: async () => undefined }
  for (let i = 0; i < 2; i++) {
    void (await kit.device({ storage, host: never })).load('digits', { strategy: 'cached' })
    await vi.waitFor(async () => expect((await storage.model('digits@stable'))?.crash?.strikes).toBe(i + 1))
  }
  kit.intercept = offline
  const model = await loaded(await kit.device({ storage }))
  expect((await model.predict(digit(0))).version).toBe(1)
  expect((await storage.model('digits@stable'))?.quarantine).toMatchObject([{ version: 2, code: 'crash_loop' }])
})

test('[DEV-20] five answers in a row above the promised latency, and the version is left, once per release', async () => {
  await kit.publish()
  let slow = true
  const service = createInferenceService({ wasmPath })
  const host = localHost({
    ...service,
    predict: async (handle, input) => ({ ...(await service.predict(handle, input)), ms: slow ? 60_000 : 1 }),
  })
  slow = false
  const model = await loaded(await kit.device({ host }))
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  const rolledBack = heard(model, 'rollback')
  const ask = async (times: number) => {
    for (let i = 0; i < times; i++) await model.predict(digit(i))
  }
  slow = true
  await ask(4)
  slow = false
  await ask(1)
  slow = true
  await ask(4)
  expect(model.version).toBe(2)
  await ask(1)
  await vi.waitFor(() => expect(model.version).toBe(1))
  await ask(10)
  expect(model.version).toBe(1)
  expect(rolledBack).toEqual([{ from: 2, to: 1, code: 'too_slow' }])
})

test('[DEV-21] feedback that breaks the promised error rate brings the version before back, offline', async () => {
  await kit.publish({ errorRate: 0.2 })
  const model = await loaded()
  await kit.publish({ weights: digitWeights({ permute: 3 }), errorRate: 0.02 })
  await model.checkForUpdate()
  kit.intercept = offline
  const rolledBack = heard(model, 'rollback')
  let asked = 0
  while (model.version === 2 && asked < 50) {
    const answer = await model.predict(digit(asked + 3000))
    await model.feedback(answer.id, String(digitLabels[asked + 3000]))
    asked++
  }
  expect(asked).toBeLessThan(10)
  expect(rolledBack).toEqual([{ from: 2, to: 1, code: 'promise_broken' }])
})

test('[DEV-21] a version that keeps its promise stays', async () => {
  await kit.publish({ errorRate: 0.25 })
  const model = await loaded()
  await kit.publish({ weights: digitWeights({ jitter: 1 }), errorRate: 0.25 })
  await model.checkForUpdate()
  for (let i = 0; i < 300; i++) {
    const answer = await model.predict(digit(i + 3000))
    await model.feedback(answer.id, String(digitLabels[i + 3000]))
  }
  expect(model.version).toBe(2)
})

test('[DEV-22] a person can go back by hand', async () => {
  await kit.publish()
  const model = await loaded()
  expect(await model.rollback()).toBe(false)
  await kit.publish({ weights: digitWeights({ jitter: 1 }) })
  await model.checkForUpdate()
  expect(await model.rollback()).toBe(true)
  expect((await model.predict(digit(0))).version).toBe(1)
  expect(await model.checkForUpdate()).toMatchObject({ version: 1 })
})
