import { type Bytes, toBase64, toHex } from '../core/bytes.ts'
import { type PublicKey, SIGNATURE_PARAMETERS, type Signer, SIGNING_ALGORITHM } from './dsse.ts'

/** A signing key as it is stored: its private half in JWK form. Kept by the server only. */
export type StoredKey = { readonly keyId: string; readonly point: string; readonly jwk: JsonWebKey }

export async function generateKey(): Promise<StoredKey> {
  const pair = await crypto.subtle.generateKey(SIGNING_ALGORITHM, true, ['sign', 'verify'])
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  return { keyId: await keyIdOf(point), point: toBase64(point), jwk: await crypto.subtle.exportKey('jwk', pair.privateKey) }
}

/** A key's id is the SHA-256 of its uncompressed point, so a document cannot give a key another's name. */
export const keyIdOf = async (point: Bytes): Promise<string> => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', point)))

export async function signerOf(key: StoredKey): Promise<Signer> {
  const imported = await crypto.subtle.importKey('jwk', key.jwk, SIGNING_ALGORITHM, false, ['sign'])
  return { keyId: key.keyId, sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(SIGNATURE_PARAMETERS, imported, bytes)) }
}

export const publicOf = ({ keyId, point }: StoredKey): PublicKey => ({ keyId, point })
