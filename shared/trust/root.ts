import * as z from 'zod/mini'
import { fromBase64 } from '../core/bytes.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type Envelope, open, seal, type Signer } from './dsse.ts'
import { keyIdOf } from './keys.ts'
import { parseDocument } from './parse-document.ts'

export const ROOT_TYPE = 'application/vnd.shoal.root+json'

const publicKey = z.object({ keyId: z.string().check(z.regex(/^[0-9a-f]{64}$/)), point: z.string().check(z.maxLength(100)) })
const role = z.object({
  keyIds: z.array(z.string()).check(z.minLength(1), z.maxLength(16)),
  threshold: z.int().check(z.minimum(1), z.maximum(16)),
})

/**
 * Which keys may sign what, after TUF (theupdateframework.github.io/specification): `root` signs this document, `targets` signs manifests,
 * `release` signs release documents. `version` only grows.
 */
export const rootDocument = z.object({
  type: z.literal('root'),
  version: z.int().check(z.minimum(1)),
  issued: z.int(),
  expires: z.int(),
  keys: z.array(publicKey).check(z.minLength(1), z.maxLength(32)),
  roles: z.object({ root: role, targets: role, release: role }),
})
export type RootDocument = z.infer<typeof rootDocument>
export type RoleName = keyof RootDocument['roles']

export const signRoot = (document: RootDocument, signers: readonly Signer[]): Promise<Envelope> =>
  seal(ROOT_TYPE, canonicalJson(document), signers)

/** The keys that may sign for a role, and how many of them must. */
export function keysOf(root: RootDocument, name: RoleName): { keys: RootDocument['keys']; threshold: number } {
  const { keyIds, threshold } = root.roles[name]
  return { keys: root.keys.filter((key) => keyIds.includes(key.keyId)), threshold }
}

/**
 * Accepts a root document. The first one (no `trusted`) must be signed by its own root keys: trust on first use, or by a pin that the caller
 * compares. A later one must be signed by the root roles of both the trusted and the new document, and its version must not be lower.
 */
export async function verifyRoot(unknownEnvelope: unknown, trusted: RootDocument | undefined, now: number): Promise<Result<RootDocument>> {
  const claimed = parseDocument(unknownEnvelope, ROOT_TYPE, rootDocument)
  if (!claimed.ok) return claimed
  for (const key of claimed.value.keys) {
    if ((await keyIdOf(fromBase64Safe(key.point))) !== key.keyId)
      return fail(new AppError('invalid_document', `key ${key.keyId.slice(0, 12)} is not the digest of its point`))
  }
  for (const signedBy of trusted ? [trusted, claimed.value] : [claimed.value]) {
    const { keys, threshold } = keysOf(signedBy, 'root')
    const opened = await open(unknownEnvelope, ROOT_TYPE, keys, threshold)
    if (!opened.ok) return opened
  }
  if (trusted && claimed.value.version < trusted.version) {
    return fail(new AppError('older_document', `root version ${claimed.value.version}, already accepted ${trusted.version}`))
  }
  if (claimed.value.expires <= now)
    return fail(new AppError('document_expired', `the root expired at ${new Date(claimed.value.expires).toISOString()}`))
  return ok(claimed.value)
}

const fromBase64Safe = (text: string) => {
  try {
    return fromBase64(text)
  } catch {
    return new Uint8Array(0)
  }
}
