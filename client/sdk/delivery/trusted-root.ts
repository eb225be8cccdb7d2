import * as z from 'zod/mini'
import { canonicalJson } from '../../../shared/core/canonical-json.ts'
import { sha256 } from '../../../shared/core/digest.ts'
import type { AppError } from '../../../shared/core/errors.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { type Envelope, envelope } from '../../../shared/trust/dsse.ts'
import { type RootDocument, verifyRoot } from '../../../shared/trust/root.ts'
import type { DeviceContext } from '../device-context.ts'

const SETTING = 'root'
/** `anchor` names the pinned root that a stored one descends from: another pin starts anew. */
const stored = z.object({ envelope, anchor: z.nullable(z.string()) })

const anchorOf = async (pin: Envelope | undefined): Promise<string | null> => (pin === undefined ? null : sha256(canonicalJson(pin)))

/** Only signatures matter when a root that was accepted before is read back: whether it has expired is asked when a new one is accepted. */
const LONG_AGO = 0

/**
 * The root that this device trusts: the one accepted last, else the pinned one, else the first that the server shows (trust on first use).
 * Throws bad_signature, untrusted_key, older_document, document_expired, invalid_document, network.
 */
export async function trustedRoot(
  context: DeviceContext,
  { refresh = false, signal }: { refresh?: boolean; signal?: AbortSignal } = {},
): Promise<RootDocument> {
  const anchor = await anchorOf(context.root)
  const read = stored.safeParse(await context.storage.setting(SETTING))
  const known = read.success && read.data.anchor === anchor ? unwrap(await verifyRoot(read.data.envelope, undefined, LONG_AGO)) : undefined
  const trusted = known ?? (context.root === undefined ? undefined : unwrap(await verifyRoot(context.root, undefined, LONG_AGO)))
  if (trusted !== undefined && !refresh) return trusted
  const fetched = await context.client('root.get', {}, signal ? { signal } : {})
  const accepted = unwrap(await verifyRoot(fetched, trusted, context.clock.now()))
  await context.storage.updateSetting(SETTING, () => ({ envelope: fetched, anchor }))
  return accepted
}

/** Verifies with the trusted root; when that fails because a key is not known or does not fit, once more with a root fetched anew. */
export async function withRoot<T>(
  context: DeviceContext,
  verify: (root: RootDocument) => Promise<{ ok: true; value: T } | { ok: false; error: AppError }>,
  signal?: AbortSignal,
): Promise<T> {
  const first = await verify(await trustedRoot(context, signal ? { signal } : {}))
  if (first.ok) return first.value
  if (first.error.code !== 'untrusted_key' && first.error.code !== 'bad_signature') throw first.error
  const again = await trustedRoot(context, { refresh: true, ...(signal ? { signal } : {}) }).then(verify, () => first)
  if (again.ok) return again.value
  throw again.error
}
