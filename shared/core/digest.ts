import type { Brand } from './brand.ts'
import { type Bytes, toHex, utf8 } from './bytes.ts'

/** Lower-case hex SHA-256 of some bytes: how blobs, manifests and artifacts are named everywhere. */
export type Sha256 = Brand<string, 'Sha256'>

const SHA256 = /^[0-9a-f]{64}$/

export const isSha256 = (text: unknown): text is Sha256 => typeof text === 'string' && SHA256.test(text)

export async function sha256(data: Bytes | string): Promise<Sha256> {
  const bytes = typeof data === 'string' ? utf8(data) : data
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))) as Sha256
}
