import * as z from 'zod/mini'
import { type Bytes, concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from '../core/bytes.ts'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'

/**
 * DSSE, the Dead Simple Signing Envelope (github.com/secure-systems-lab/dsse, protocol v1.0.0): the payload is signed together with
 * its type, so that a document of one kind never passes for another.
 */
export const envelope = z.object({
  payloadType: z.string().check(z.maxLength(100)),
  payload: z.string(),
  signatures: z
    .array(z.object({ keyid: z.string().check(z.maxLength(128)), sig: z.string().check(z.maxLength(512)) }))
    .check(z.minLength(1), z.maxLength(16)),
})
export type Envelope = z.infer<typeof envelope>

/** Signs bytes with ECDSA P-256 over SHA-256; `keyId` is the SHA-256 of the public key's raw point. */
export type Signer = { readonly keyId: string; sign(bytes: Bytes): Promise<Bytes> }

/** A public key as documents carry it: the uncompressed P-256 point (65 bytes), base64. */
export type PublicKey = { readonly keyId: string; readonly point: string }

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/** PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
const preAuthEncoding = (type: string, payload: Bytes): Bytes => {
  const typeBytes = utf8(type)
  return concatBytes([utf8(`DSSEv1 ${typeBytes.length} `), typeBytes, utf8(` ${payload.length} `), payload])
}

export async function seal(payloadType: string, payload: string, signers: readonly Signer[]): Promise<Envelope> {
  const bytes = utf8(payload)
  const signed = preAuthEncoding(payloadType, bytes)
  const signatures = await Promise.all(signers.map(async (signer) => ({ keyid: signer.keyId, sig: toBase64(await signer.sign(signed)) })))
  return { payloadType, payload: toBase64(bytes), signatures }
}

/**
 * The payload's text, when at least `threshold` different keys of `keys` signed it. Signatures by other keys are ignored.
 * Fails with `invalid_document` (not an envelope of this type), `untrusted_key` (no known key signed) or `bad_signature`.
 */
export async function open(
  unknownEnvelope: unknown,
  payloadType: string,
  keys: readonly PublicKey[],
  threshold = 1,
): Promise<Result<string>> {
  const parsed = envelope.safeParse(unknownEnvelope)
  if (!parsed.success) return fail(new AppError('invalid_document', 'not a DSSE envelope'))
  if (parsed.data.payloadType !== payloadType)
    return fail(new AppError('invalid_document', `payload type is ${parsed.data.payloadType}, expected ${payloadType}`))
  const payload = decode(parsed.data.payload)
  if (!payload) return fail(new AppError('invalid_document', 'the payload is not base64'))
  const signed = preAuthEncoding(payloadType, payload)
  const good = new Set<string>()
  let known = 0
  for (const { keyid, sig } of parsed.data.signatures) {
    const key = keys.find((candidate) => candidate.keyId === keyid)
    if (!key) continue
    known++
    const signature = decode(sig)
    if (signature && (await verify(key, signature, signed))) good.add(keyid)
  }
  if (known === 0)
    return fail(
      new AppError(
        'untrusted_key',
        `signed by ${parsed.data.signatures.map((s) => s.keyid.slice(0, 12)).join(', ')}, none of which this role allows`,
      ),
    )
  if (good.size < threshold) return fail(new AppError('bad_signature', `${good.size} of ${threshold} needed signatures verify`))
  try {
    return ok(fromUtf8(payload))
  } catch {
    return fail(new AppError('invalid_document', 'the payload is not UTF-8'))
  }
}

const decode = (text: string): Bytes | undefined => {
  try {
    return fromBase64(text)
  } catch {
    return undefined
  }
}

async function verify(key: PublicKey, signature: Bytes, signed: Bytes): Promise<boolean> {
  try {
    const imported = await crypto.subtle.importKey('raw', fromBase64(key.point), ALGORITHM, false, ['verify'])
    return await crypto.subtle.verify(SIGNATURE, imported, signature, signed)
  } catch {
    return false
  }
}

export { ALGORITHM as SIGNING_ALGORITHM, SIGNATURE as SIGNATURE_PARAMETERS }
