import { unwrap } from '../../../shared/core/result.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { VersionSummary } from '../../../shared/contract/registry.ts'
import { type ReleaseDocument, verifyRelease } from '../../../shared/trust/release.ts'
import { verifyRoot } from '../../../shared/trust/root.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import type { TestServer } from '../harness.ts'

/** Uploads what a version needs and registers it; another seed is another version. */
export async function register(editor: Client, model: string, seed: number, parent: number | null = null): Promise<VersionSummary> {
  const { draft, pieces } = await draftFixture(seed)
  for (const { digest, bytes } of pieces) await editor('blob.put', { params: { digest }, body: bytes })
  return editor('versions.create', { params: { model }, body: { draft, parent } })
}

/** A model with this many versions. */
export async function modelWith(server: TestServer, model: string, versions: number): Promise<void> {
  const editor = server.client(server.keys.editor)
  await editor('models.create', { body: { name: model } })
  for (let seed = 1; seed <= versions; seed++) await register(editor, model, seed, seed === 1 ? null : seed - 1)
}

/** The release as a device that has seen nothing yet accepts it: root, then release, both verified. */
export async function releaseOf(server: TestServer, model: string, alias = 'stable'): Promise<ReleaseDocument> {
  const device = server.client()
  const now = server.services.clock.now()
  const root = unwrap(await verifyRoot(await device('root.get'), undefined, now))
  return unwrap(await verifyRelease(await device('release.get', { params: { model, alias } }), root, { model, alias, sequence: 0, now }))
}
