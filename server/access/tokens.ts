import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../shared/core/random.ts'
import { KEY_SCOPES, type KeyScope } from '../../shared/contract/route.ts'

/** A secret as it is stored: its SHA256, and the first half of that to find the row by. The comparison is of the whole, in constant time. */
export type HashedToken = { readonly lookup: string; readonly hash: string }

export type TokenKind = KeyScope | 'device'

const SECRET_BYTES = 32
const TOKEN = new RegExp(`^shoal_(${[...KEY_SCOPES, 'device'].join('|')})_[A-Za-z0-9_-]{43}$`)

/** `shoal_<kind>_<256 random bits>`: what it may do can be read from it, and a secret scanner can find it. */
export const newToken = (kind: TokenKind, random: Random): string =>
  `shoal_${kind}_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')}`

/** Which kind of token a text has the form of; says nothing about its being valid. */
export const kindOf = (token: string): TokenKind | undefined => TOKEN.exec(token)?.[1] as TokenKind | undefined

/** 256 random bits need no slow hash: there is nothing to guess. */
export function hashToken(token: string): HashedToken {
  const hash = createHash('sha256').update(token).digest('hex')
  return { lookup: hash.slice(0, 32), hash }
}

export const sameHash = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
