import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '../../../shared/core/assert.ts'
import { fromBase64, fromUtf8, toBase64 } from '../../../shared/core/bytes.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import type { Result } from '../../../shared/core/result.ts'
import type { Envelope } from '../../../shared/trust/dsse.ts'
import { generateKey, type StoredKey } from '../../../shared/trust/keys.ts'
import { verifyManifest } from '../../../shared/trust/manifest.ts'
import { verifyRelease } from '../../../shared/trust/release.ts'
import { type RoleName, type RootDocument, verifyRoot } from '../../../shared/trust/root.ts'
import { DAY, digestOf, forge, NOW, releaseFixture, rootOf, signedWorld, TYPES, type World } from './world.ts'

const ROLES = ['root', 'targets', 'release'] as const
let world: World

beforeAll(async () => {
  world = await signedWorld()
})

/** Takes a document as a device that trusts `root` would. */
function accept(role: RoleName, envelope: unknown, root: RootDocument = world.root): Promise<Result<unknown>> {
  if (role === 'root') return verifyRoot(envelope, root, NOW)
  if (role === 'targets') return verifyManifest(envelope, root, { model: 'digits', version: 3, digest: world.digest })
  return verifyRelease(envelope, root, { model: 'digits', alias: 'stable', sequence: 7, now: NOW })
}
const codeOf = (result: Result<unknown>): string => (result.ok ? 'accepted' : result.error.code)
const documentOf = (role: RoleName) => ({ root: world.root, targets: world.manifest, release: world.release })[role]

describe.each(ROLES)('%s', (role) => {
  test('[TRU-1] an untouched document is accepted', async () => {
    const result = await accept(role, world.envelopes[role])
    expect(result).toMatchObject({ ok: true, value: documentOf(role) })
  })

  test('[TRU-1] a flipped bit anywhere in payload or signature is refused', async () => {
    const good = world.envelopes[role]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('payload', 'sig'), fc.nat(), fc.integer({ min: 0, max: 7 }), async (part, at, bit) => {
        const flip = (text: string): string => {
          const bytes = fromBase64(text)
          const place = at % bytes.length
          bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
          return toBase64(bytes)
        }
        const [signature] = good.signatures
        const bad: Envelope =
          part === 'payload'
            ? { ...good, payload: flip(good.payload) }
            : { ...good, signatures: [{ keyid: signature?.keyid ?? '', sig: flip(signature?.sig ?? '') }] }
        expect(['bad_signature', 'invalid_document', 'untrusted_key']).toContain(codeOf(await accept(role, bad)))
      }),
      { numRuns: 60 },
    )
  })

  test('[TRU-1] garbage in place of an envelope is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.anything(),
          fc.record({
            payloadType: fc.constant(TYPES[role]),
            payload: fc.string(),
            signatures: fc.array(fc.record({ keyid: fc.string(), sig: fc.string() })),
          }),
        ),
        async (value) => {
          expect(codeOf(await accept(role, value))).toMatch(/^(invalid_document|untrusted_key)$/)
        },
      ),
    )
    expect(codeOf(await accept(role, '<!doctype html><title>Sign in</title>'))).toBe('invalid_document')
  })

  test('[TRU-2] a key that the root does not know signs nothing', async () => {
    const stranger = await generateKey()
    expect(codeOf(await accept(role, await forge(TYPES[role], documentOf(role), [stranger])))).toBe('untrusted_key')
  })

  test('[TRU-2] a stranger cannot borrow the name of a known key', async () => {
    const stranger = await generateKey()
    const { keyId } = must(world.keys[role][0], 'a key')
    expect(codeOf(await accept(role, await forge(TYPES[role], documentOf(role), [{ ...stranger, keyId }])))).toBe('bad_signature')
  })

  test.each(ROLES.filter((other) => other !== role))('[TRU-3] the keys of %s do not sign for it', async (other) => {
    expect(codeOf(await accept(role, await forge(TYPES[role], documentOf(role), world.keys[other])))).toBe('untrusted_key')
  })

  test.each(ROLES.filter((other) => other !== role))(
    '[TRU-3] a document of %s does not pass for one of it, whoever signed',
    async (other) => {
      expect(codeOf(await accept(role, world.envelopes[other]))).toBe('invalid_document')
      const disguised = await forge(TYPES[role], documentOf(other), world.keys[role])
      expect(codeOf(await accept(role, disguised))).toMatch(/^(invalid_document|digest_mismatch)$/)
      // the type is part of what is signed, so relabelling breaks the signature
      expect(codeOf(await accept(role, { ...world.envelopes[other], payloadType: TYPES[role] }))).toMatch(
        /^(untrusted_key|invalid_document)$/,
      )
    },
  )

  test('[TRU-2] a threshold of two needs two different keys', async () => {
    const root = rootOf(world.keys, {}, { [role]: 2 })
    const document = role === 'root' ? root : documentOf(role)
    const [a, b] = world.keys[role] as [StoredKey, StoredKey]
    expect(codeOf(await accept(role, await forge(TYPES[role], document, [a]), root))).toBe('bad_signature')
    expect(codeOf(await accept(role, await forge(TYPES[role], document, [a, a]), root))).toBe('bad_signature')
    expect(codeOf(await accept(role, await forge(TYPES[role], document, [a, { ...(await generateKey()), keyId: b.keyId }]), root))).toBe(
      'bad_signature',
    )
    expect(codeOf(await accept(role, await forge(TYPES[role], document, [a, b]), root))).toBe('accepted')
  })

  test('[TRU-3] a key that a newer root dropped signs no more', async () => {
    const [dropped, kept] = world.keys[role] as [StoredKey, StoredKey]
    const others = role === 'root' ? world.keys.root.slice(1) : [kept]
    const newer = rootOf({ ...world.keys, [role]: others }, { version: 2 })
    if (role === 'root') {
      const next = rootOf(world.keys, { version: 3 })
      expect(codeOf(await accept(role, await forge(TYPES.root, next, [dropped]), newer))).toBe('untrusted_key')
    } else {
      expect(codeOf(await accept(role, world.envelopes[role], newer))).toBe('untrusted_key')
    }
  })
})

test('[TRU-4] rollback: an older release document is refused, the same one again is not', async () => {
  const older = await forge(TYPES.release, releaseFixture(world.digest, { sequence: 6 }), world.keys.release)
  expect(codeOf(await accept('release', older))).toBe('older_document')
  expect(codeOf(await accept('release', world.envelopes.release))).toBe('accepted')
})

test('[TRU-4] freeze: an expired release document is refused, at the very millisecond', async () => {
  const at = (now: number) => verifyRelease(world.envelopes.release, world.root, { model: 'digits', alias: 'stable', sequence: 7, now })
  expect(codeOf(await at(NOW + DAY - 1))).toBe('accepted')
  expect(codeOf(await at(NOW + DAY))).toBe('document_expired')
})

test.each([
  ['model', { model: 'letters' as Slug }],
  ['alias', { alias: 'beta' as Slug }],
])('[TRU-4] mix and match: a release document of another %s is refused', async (_, changes) => {
  const other = await forge(TYPES.release, releaseFixture(world.digest, changes), world.keys.release)
  expect(codeOf(await accept('release', other))).toBe('invalid_document')
})

test('[TRU-4] a release document whose stable version is revoked is refused', async () => {
  const contradiction = await forge(TYPES.release, releaseFixture(world.digest, { revoked: [3] }), world.keys.release)
  expect(codeOf(await accept('release', contradiction))).toBe('invalid_document')
})

test('[TRU-4] a number that JSON can say and the document cannot (fast-forward beyond safe integers) is refused', async () => {
  for (const sequence of [0, -1, 1.5, 2 ** 53, 1e308]) {
    expect(
      codeOf(await accept('release', await forge(TYPES.release, releaseFixture(world.digest, { sequence }), world.keys.release))),
    ).toBe('invalid_document')
  }
})

test('[TRU-5] a new root needs the root keys of the old one and its own', async () => {
  const fresh = await Promise.all([generateKey(), generateKey()])
  const next = rootOf({ ...world.keys, root: fresh }, { version: 2 })
  expect(codeOf(await accept('root', await forge(TYPES.root, next, fresh)))).toBe('untrusted_key')
  expect(codeOf(await accept('root', await forge(TYPES.root, next, world.keys.root)))).toBe('untrusted_key')
  expect(codeOf(await accept('root', await forge(TYPES.root, next, [...world.keys.root.slice(0, 1), ...fresh.slice(0, 1)])))).toBe(
    'accepted',
  )
})

test('[TRU-5] an older root and an expired one are refused', async () => {
  const trusted = rootOf(world.keys, { version: 5 })
  expect(codeOf(await accept('root', world.envelopes.root, trusted))).toBe('older_document')
  expect(codeOf(await verifyRoot(world.envelopes.root, undefined, NOW + 365 * DAY))).toBe('document_expired')
})

test('[TRU-5] a root in which a key goes under a name that is not its digest is refused', async () => {
  const [first, second] = world.root.keys
  const lying = { ...world.root, keys: world.root.keys.map((key) => (key === first ? { ...key, point: second?.point ?? '' } : key)) }
  expect(codeOf(await accept('root', await forge(TYPES.root, lying, world.keys.root)))).toBe('invalid_document')
})

test.each([
  ['version', { version: 4 }],
  ['model', { model: 'letters' as Slug }],
])('[TRU-6] a manifest of another %s is refused even under the digest that the release names', async (_, changes) => {
  const document = { ...world.manifest, ...changes }
  const envelope = await forge(TYPES.targets, document, world.keys.targets)
  const result = await verifyManifest(envelope, world.root, { model: 'digits', version: 3, digest: await digestOf(document) })
  expect(codeOf(result)).toBe('invalid_document')
})

test('[TRU-6] a signed manifest that the release does not name is refused', async () => {
  const envelope = await forge(TYPES.targets, { ...world.manifest, created: NOW + 1 }, world.keys.targets)
  expect(codeOf(await accept('targets', envelope))).toBe('digest_mismatch')
})

test.each([
  ['a tensor beyond its piece', (m: Record<string, unknown>[]) => ({ ...m[0], offset: 120 })],
  ['a tensor in a piece that does not exist', (m: Record<string, unknown>[]) => ({ ...m[0], piece: 9 })],
  ['a shape that needs other bytes', (m: Record<string, unknown>[]) => ({ ...m[0], shape: [4, 9] })],
  ['a shape whose product overflows', (m: Record<string, unknown>[]) => ({ ...m[0], shape: [2 ** 31, 2 ** 31, 2 ** 31] })],
  ['a name used twice', (m: Record<string, unknown>[]) => ({ ...m[0], name: 'dense/bias' })],
])('[TRU-6] a manifest with %s is refused', async (_, change) => {
  const document = { ...world.manifest, tensors: [change(world.manifest.tensors), ...world.manifest.tensors.slice(1)] }
  const envelope = await forge(TYPES.targets, document, world.keys.targets)
  expect(codeOf(await verifyManifest(envelope, world.root, { model: 'digits', version: 3, digest: await digestOf(document) }))).toBe(
    'invalid_document',
  )
})

test('[TRU-1] what is signed is readable as JSON and names its own kind', () => {
  for (const role of ROLES)
    expect(JSON.parse(fromUtf8(fromBase64(world.envelopes[role].payload)))).toMatchObject({ type: role === 'targets' ? 'manifest' : role })
})
