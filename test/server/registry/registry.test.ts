import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import type { Id } from '../../../shared/core/ids.ts'
import { unwrap } from '../../../shared/core/result.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { ManifestDraft } from '../../../shared/trust/manifest.ts'
import { verifyManifest } from '../../../shared/trust/manifest.ts'
import { verifyRoot } from '../../../shared/trust/root.ts'
import { transact } from '../../../server/storage/transact.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { modelWith, register, releaseOf } from './world.ts'

let server: TestServer
let editor: Client
let releaser: Client
let viewer: Client

beforeAll(async () => {
  server = await createTestServer()
  editor = server.client(server.keys.editor)
  releaser = server.client(server.keys.releaser)
  viewer = server.client(server.keys.viewer)
})
afterAll(() => server.close())

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )
const set = (model: string, version: number, more: { alias?: string; expected?: number | null } = {}) => {
  const { alias = 'stable', ...rest } = more
  return releaser('aliases.set', { params: { model, alias }, body: { version, reason: `to ${version}`, ...rest } })
}
const back = (model: string) => releaser('aliases.rollback', { params: { model, alias: 'stable' }, body: { reason: 'worse' } })

test('[REG-7] a version is registered whole: its manifest is signed, named by its digest, and verifies on a device', async () => {
  await modelWith(server, 'whole', 1)
  const { manifest: digest, bytes } = await viewer('versions.get', { params: { model: 'whole', version: '1' } })
  const device = server.client()
  const root = unwrap(await verifyRoot(await device('root.get'), undefined, server.services.clock.now()))
  const manifest = unwrap(
    await verifyManifest(await device('manifest.get', { params: { digest } }), root, { model: 'whole', version: 1, digest }),
  )
  expect(bytes).toBe(manifest.pieces.reduce((sum, piece) => sum + piece.bytes, 0))
  expect(await server.services.registry.manifestOf(manifest.model, 1)).toEqual(manifest)
})

test.each<[string, string, (draft: ManifestDraft) => ManifestDraft]>([
  [
    'a piece that was not uploaded',
    'unknown_blob',
    (d) => ({ ...d, pieces: d.pieces.map((piece, i) => (i === 1 ? { ...piece, digest: '0'.repeat(64) as typeof piece.digest } : piece)) }),
  ],
  [
    'a piece of another length',
    'invalid_document',
    (d) => ({ ...d, pieces: d.pieces.map((piece) => ({ ...piece, bytes: piece.bytes + 4 })) }),
  ],
  [
    'a tensor whose digest is another',
    'digest_mismatch',
    (d) => ({ ...d, tensors: d.tensors.map((tensor) => ({ ...tensor, digest: d.tensors[0]?.digest ?? tensor.digest })) }),
  ],
  [
    'two tensors that changed places',
    'digest_mismatch',
    (d) => ({ ...d, tensors: d.tensors.map((tensor, i) => (i === 1 ? { ...tensor, offset: 0 } : tensor)) }),
  ],
  [
    'a tensor outside its piece',
    'invalid_document',
    (d) => ({ ...d, tensors: d.tensors.map((tensor, i) => (i === 0 ? { ...tensor, offset: 1000 } : tensor)) }),
  ],
  ['a topology that says nothing', 'invalid_document', (d) => ({ ...d, topology: {} })],
  ['no reference for its predictions', 'invalid_document', (d) => ({ ...d, references: { x: Object.values(d.references)[0] as never } })],
  [
    'a delta from a version that is not there',
    'unknown_version',
    (d) => ({ ...d, deltas: [{ from: 99, codec: 'xdelta', digest: d.pieces[0]?.digest as never, bytes: 1 }] }),
  ],
])('[REG-7] a draft with %s is refused, and nothing of it is visible', async (_, code, change) => {
  await editor('models.create', { body: { name: 'refused' } })
  const { draft, pieces } = await draftFixture(5)
  for (const { digest, bytes } of pieces) await editor('blob.put', { params: { digest }, body: bytes })
  expect(await codeOf(editor('versions.create', { params: { model: 'refused' }, body: { draft: change(draft), parent: null } }))).toBe(code)
  expect((await viewer('versions.list', { params: { model: 'refused' } })).items).toEqual([])
})

test('[REG-7] a parent must exist', async () => {
  await editor('models.create', { body: { name: 'orphan' } })
  const { draft } = await draftFixture(5)
  expect(await codeOf(editor('versions.create', { params: { model: 'orphan' }, body: { draft, parent: 1 } }))).toBe('unknown_version')
  expect(await codeOf(editor('versions.create', { params: { model: 'nowhere' }, body: { draft, parent: null } }))).toBe('unknown_model')
})

test('[REG-8] versions count from 1 without gaps, also when many are registered at once', async () => {
  await modelWith(server, 'crowd', 1)
  const numbers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => register(editor, 'crowd', 100 + i).then((summary) => summary.version)),
  )
  expect(numbers.sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  expect((await viewer('versions.list', { params: { model: 'crowd' } })).items.map((item) => item.version)).toEqual([
    13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
  ])
})

test('[REG-8] a retried registration is one version, even when its answer was never stored', async () => {
  await editor('models.create', { body: { name: 'retried' } })
  const { draft, pieces } = await draftFixture(6)
  for (const { digest, bytes } of pieces) await editor('blob.put', { params: { digest }, body: bytes })
  const call = () =>
    editor('versions.create', { params: { model: 'retried' }, body: { draft, parent: null } }, { idempotencyKey: 'upload-1' })
  const once = await call()
  expect(await call()).toEqual(once)
  // as after a crash between the version and its answer
  await server.services.db.withTables<{ idempotency: { id: string } }>().deleteFrom('idempotency').execute()
  expect(await call()).toEqual(once)
  expect((await viewer('models.get', { params: { model: 'retried' } })).versions).toBe(1)
})

test('[REG-8] making a model again changes nothing; with another description it is refused', async () => {
  const made = await editor('models.create', { body: { name: 'again', description: 'one' } })
  expect(await editor('models.create', { body: { name: 'again', description: 'one' } })).toEqual(made)
  expect(await codeOf(editor('models.create', { body: { name: 'again', description: 'two' } }))).toBe('already_exists')
})

test('[REG-9] moving an alias publishes a release with a higher sequence, and writes who and why', async () => {
  await modelWith(server, 'moved', 2)
  await set('moved', 1)
  const before = await releaseOf(server, 'moved')
  const change = await set('moved', 2)
  const after = await releaseOf(server, 'moved')
  expect([before.stable.version, after.stable.version, after.sequence]).toEqual([1, 2, before.sequence + 1])
  expect(change).toMatchObject({ alias: 'stable', from: 1, to: 2, reason: 'to 2' })
  expect(change.by).toMatch(/^test releaser \(key_/)
  const { items } = await viewer('aliases.history', { params: { model: 'moved', alias: 'stable' } })
  expect(items.map((item) => [item.from, item.to])).toEqual([
    [1, 2],
    [null, 1],
  ])
  expect(await viewer('models.get', { params: { model: 'moved' } })).toMatchObject({ aliases: { stable: 2 }, latest: 2 })
})

test('[REG-9] `expected` lets one of two movers through', async () => {
  await modelWith(server, 'guarded', 3)
  await set('guarded', 1, { expected: null })
  const outcomes = await Promise.all([codeOf(set('guarded', 2, { expected: 1 })), codeOf(set('guarded', 3, { expected: 1 }))])
  expect(outcomes.sort()).toEqual(['done', 'precondition_failed'])
  expect(await codeOf(set('guarded', 9))).toBe('unknown_version')
})

test('[REG-9] alias and release move together or not at all', async () => {
  await modelWith(server, 'together', 2)
  await set('together', 1)
  const { registry, db, events } = server.services
  const heard: string[] = []
  const stop = events.subscribe((event) => void heard.push(event.type))
  const model = 'together' as never
  const failed = transact(db, async (tx) => {
    await registry.setAlias({ model, alias: 'stable' as never, version: 2, reason: 'x' }, { kind: 'system', name: 'test' }, tx)
    throw new Error('after the move')
  })
  await expect(failed).rejects.toThrow('after the move')
  stop()
  expect([await registry.aliasTarget(model, 'stable' as never), (await releaseOf(server, 'together')).stable.version, heard]).toEqual([
    1,
    1,
    [],
  ])
})

test('[REG-9] while a rollout runs, the alias is not moved by hand', async () => {
  await modelWith(server, 'busy', 2)
  await set('busy', 1)
  const { manifest } = await viewer('versions.get', { params: { model: 'busy', version: '2' } })
  const rollout = {
    id: 'rol_01h2xcejqtf2nbrexx3v' as Id<'rollout'>,
    mode: 'canary' as const,
    candidate: { version: 2, manifest },
    share: 0.1,
    salt: 'pepper-and-salt',
    stage: 0,
    firstWindow: 20,
  }
  await server.services.releases.publish({ model: 'busy' as never, alias: 'stable' as never, rollout })
  expect(await codeOf(set('busy', 2))).toBe('conflict')
  // what the rollout itself does: move and end, in one document
  await server.services.registry.setAlias(
    { model: 'busy' as never, alias: 'stable' as never, version: 2, reason: 'promoted', rollout: null },
    { kind: 'system', name: 'rollout' },
  )
  expect(await releaseOf(server, 'busy')).toMatchObject({ stable: { version: 2 }, rollout: null })
})

test('[REG-10] a rollback goes to the version before, and a second one further back', async () => {
  await modelWith(server, 'steps', 4)
  for (const version of [1, 2, 3]) await set('steps', version)
  expect((await back('steps')).to).toBe(2)
  expect((await back('steps')).to).toBe(1)
  expect(await codeOf(back('steps'))).toBe('conflict')
  await set('steps', 4)
  expect((await back('steps')).to).toBe(1)
  expect((await releaseOf(server, 'steps')).stable.version).toBe(1)
})

test('[REG-10] a rollback passes over revoked versions', async () => {
  await modelWith(server, 'over', 3)
  for (const version of [1, 2, 3]) await set('over', version)
  await releaser('versions.revoke', { params: { model: 'over', version: '2' }, body: { reason: 'leaks' } })
  expect((await back('over')).to).toBe(1)
})

test('[REG-11] a revoked version is in every release, cannot be pointed at, and ends the rollout that tries it', async () => {
  await modelWith(server, 'revoked', 3)
  await set('revoked', 1)
  await set('revoked', 2, { alias: 'beta' })
  const { manifest } = await viewer('versions.get', { params: { model: 'revoked', version: '3' } })
  await server.services.releases.publish({
    model: 'revoked' as never,
    alias: 'stable' as never,
    rollout: {
      id: 'rol_01h2xcejqtf2nbrexx3v' as Id<'rollout'>,
      mode: 'canary',
      candidate: { version: 3, manifest },
      share: 0.1,
      salt: 'pepper-and-salt',
      stage: 0,
      firstWindow: 20,
    },
  })
  const sequence = (await releaseOf(server, 'revoked')).sequence
  expect(await codeOf(releaser('versions.revoke', { params: { model: 'revoked', version: '1' }, body: { reason: 'x' } }))).toBe('conflict')
  const summary = await releaser('versions.revoke', { params: { model: 'revoked', version: '3' }, body: { reason: 'biased' } })
  expect(summary.revoked).toMatchObject({ reason: 'biased' })
  expect(await releaseOf(server, 'revoked')).toMatchObject({ revoked: [3], rollout: null, sequence: sequence + 1 })
  expect(await releaseOf(server, 'revoked', 'beta')).toMatchObject({ revoked: [3] })
  expect(await codeOf(set('revoked', 3))).toBe('version_revoked')
})
