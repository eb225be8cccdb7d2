import { createPrivateKey, sign } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../../shared/core/bytes.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { Envelope, Signer } from '../../shared/trust/dsse.ts'
import { generateKey, publicOf, type StoredKey } from '../../shared/trust/keys.ts'
import { parseDocument } from '../../shared/trust/parse-document.ts'
import { ROOT_TYPE, type RootDocument, rootDocument, signRoot, verifyRoot } from '../../shared/trust/root.ts'
import { writeWhole } from '../storage/write-whole.ts'

/** What the server signs with, and the root document that says so. */
export type Trust = {
  readonly targets: Signer
  readonly release: Signer
  root(): { readonly envelope: Envelope; readonly document: RootDocument }
  /** Signs the root document anew when it is about to expire. */
  renewRoot(): Promise<void>
}

const ROLES = ['root', 'targets', 'release'] as const
const DAY_MS = 24 * 60 * 60 * 1000
const ROOT_LIFETIME_MS = 365 * DAY_MS
const RENEW_BEFORE_MS = 90 * DAY_MS

/**
 * Opens the keys in `folder`, making them (readable by the owner only) and the first root document where there are none. Whoever has this
 * folder can sign anything the fleet will run: it belongs into backups, and nowhere else.
 */
export async function openTrust({ folder, clock }: { readonly folder: string; readonly clock: Clock }): Promise<Trust> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const [root, targets, release] = await Promise.all(ROLES.map((role) => keyAt(join(folder, `${role}.json`))))
  if (!root || !targets || !release) throw new Error('three roles have three keys')
  const file = join(folder, 'root-document.json')

  const issue = async (version: number): Promise<{ envelope: Envelope; document: RootDocument }> => {
    const now = clock.now()
    const only = (key: StoredKey) => ({ keyIds: [key.keyId], threshold: 1 })
    const document: RootDocument = {
      type: 'root',
      version,
      issued: now,
      expires: now + ROOT_LIFETIME_MS,
      keys: [root, targets, release].map(publicOf),
      roles: { root: only(root), targets: only(targets), release: only(release) },
    }
    const envelope = await signRoot(document, [nodeSigner(root)])
    await writeWhole(file, JSON.stringify(envelope))
    return { envelope, document }
  }
  const renewed = async (known: { envelope: Envelope; document: RootDocument } | undefined) => {
    if (!known) return issue(1)
    return known.document.expires - clock.now() < RENEW_BEFORE_MS ? issue(known.document.version + 1) : known
  }

  let live = await renewed(await storedRoot(file))
  return {
    targets: nodeSigner(targets),
    release: nodeSigner(release),
    root: () => live,
    renewRoot: async () => {
      live = await renewed(live)
    },
  }
}

/** Signs at once, without leaving the thread: so a document can be signed inside a database transaction. */
export function nodeSigner({ keyId, jwk }: StoredKey): Signer {
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  return { keyId, sign: async (bytes: Bytes) => new Uint8Array(sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' })) }
}

async function keyAt(path: string): Promise<StoredKey> {
  const text = await readText(path)
  if (text === undefined) {
    const key = await generateKey()
    await writeWhole(path, JSON.stringify(key))
    return key
  }
  try {
    const key = JSON.parse(text) as StoredKey
    nodeSigner(key)
    return key
  } catch (cause) {
    throw new AppError('damaged_data', `${path} does not hold a signing key: restore it from a backup`, { cause })
  }
}

async function storedRoot(path: string): Promise<{ envelope: Envelope; document: RootDocument } | undefined> {
  const text = await readText(path)
  if (text === undefined) return undefined
  try {
    const envelope = JSON.parse(text) as Envelope
    const document = parseDocument(envelope, ROOT_TYPE, rootDocument)
    if (!document.ok) throw document.error
    // an expired one is renewed, so only its signature matters here
    const verified = await verifyRoot(envelope, undefined, document.value.issued)
    if (!verified.ok) throw verified.error
    return { envelope, document: verified.value }
  } catch (cause) {
    throw new AppError('damaged_data', `${path} is not a valid root document (${toAppError(cause).detail}): restore it from a backup`, {
      cause,
    })
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}
