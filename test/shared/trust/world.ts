import { must } from '../../../shared/core/assert.ts'
import { type Sha256, sha256 } from '../../../shared/core/digest.ts'
import type { Id, Slug } from '../../../shared/core/ids.ts'
import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { type Envelope, seal, type Signer } from '../../../shared/trust/dsse.ts'
import { generateKey, publicOf, signerOf, type StoredKey } from '../../../shared/trust/keys.ts'
import { type Manifest, MANIFEST_TYPE, signManifest } from '../../../shared/trust/manifest.ts'
import { RELEASE_TYPE, type ReleaseDocument, signRelease } from '../../../shared/trust/release.ts'
import { ROOT_TYPE, type RoleName, type RootDocument, signRoot } from '../../../shared/trust/root.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'

export const NOW = Date.UTC(2026, 5, 1)
export const DAY = 24 * 60 * 60 * 1000

export type Keys = Readonly<Record<RoleName, readonly StoredKey[]>>

const names: Record<RoleName, number> = { root: 3, targets: 2, release: 2 }

export async function makeKeys(): Promise<Keys> {
  const made = await Promise.all(
    Object.entries(names).map(async ([role, count]) => [role, await Promise.all(Array.from({ length: count }, generateKey))] as const),
  )
  return Object.fromEntries(made) as unknown as Keys
}

export const signersOf = (keys: readonly StoredKey[]): Promise<Signer[]> => Promise.all(keys.map(signerOf))

export const rootOf = (
  keys: Keys,
  changes: Partial<RootDocument> = {},
  thresholds: Partial<Record<RoleName, number>> = {},
): RootDocument => {
  const role = (name: RoleName) => ({ keyIds: keys[name].map((key) => key.keyId), threshold: thresholds[name] ?? 1 })
  return {
    type: 'root',
    version: 1,
    issued: NOW,
    expires: NOW + 365 * DAY,
    keys: Object.values(keys).flat().map(publicOf),
    roles: { root: role('root'), targets: role('targets'), release: role('release') },
    ...changes,
  }
}

export async function manifestFixture(changes: Partial<Manifest> = {}): Promise<Manifest> {
  const { draft } = await draftFixture()
  return { ...draft, type: 'manifest', model: 'digits' as Slug, version: 3, parent: 2, created: NOW, ...changes }
}

export const digestOf = (document: unknown): Promise<Sha256> => sha256(canonicalJson(document))

export const releaseFixture = (manifest: Sha256, changes: Partial<ReleaseDocument> = {}): ReleaseDocument => ({
  type: 'release',
  model: 'digits' as Slug,
  alias: 'stable' as Slug,
  sequence: 7,
  issued: NOW,
  expires: NOW + DAY,
  stable: { version: 3, manifest },
  rollout: {
    id: 'rol_01h2xcejqtf2nbrexx3v' as Id<'rollout'>,
    mode: 'canary',
    candidate: { version: 4, manifest },
    share: 0.1,
    salt: 'pepper-and-salt',
    stage: 0,
    firstWindow: 20,
  },
  revoked: [1],
  ...changes,
})

/** A document of each role, signed by that role's first key: what an attack starts from. */
export async function signedWorld() {
  const keys = await makeKeys()
  const root = rootOf(keys)
  const manifest = await manifestFixture()
  const digest = await digestOf(manifest)
  const release = releaseFixture(digest)
  const first = async (role: RoleName) => signersOf([must(keys[role][0], role)])
  return {
    keys,
    root,
    manifest,
    digest,
    release,
    envelopes: {
      root: await signRoot(root, await first('root')),
      targets: await signManifest(manifest, await first('targets')),
      release: await signRelease(release, await first('release')),
    },
  }
}
export type World = Awaited<ReturnType<typeof signedWorld>>

export const TYPES: Record<RoleName, string> = { root: ROOT_TYPE, targets: MANIFEST_TYPE, release: RELEASE_TYPE }

/** Any payload under any type, signed by whoever: what an attacker with some key can make. */
export const forge = async (type: string, payload: unknown, keys: readonly StoredKey[]): Promise<Envelope> =>
  seal(type, canonicalJson(payload), await signersOf(keys))
