import type { Sha256 } from '../../shared/core/digest.ts'
import { matches } from '../http/etag.ts'
import { FailureWithHeaders } from '../http/failure-with-headers.ts'
import { type BlobStore, unknownBlob } from '../storage/blob-store.ts'
import { chooseRange } from './range.ts'

const IMMUTABLE = 'public, max-age=31536000, immutable'

/** A blob as the answer to a GET or HEAD: whole or one range, with a validator, cacheable for ever. */
export async function blobResponse(
  blobs: BlobStore,
  digest: Sha256,
  request: Request,
  type = 'application/octet-stream',
): Promise<Response> {
  const size = await blobs.size(digest)
  if (size === undefined) throw unknownBlob(digest)
  const etag = `"${digest}"`
  const headers: Record<string, string> = { etag, 'accept-ranges': 'bytes', 'cache-control': IMMUTABLE, 'content-type': type }
  if (matches(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  const ifRange = request.headers.get('if-range')
  const range = chooseRange(ifRange === null || ifRange === etag ? request.headers.get('range') : null, size)
  if (range.kind === 'unsatisfiable')
    throw new FailureWithHeaders('range_not_satisfiable', `blob ${digest} has ${size} bytes`, { 'content-range': `bytes */${size}` })
  const part = range.kind === 'part' ? range : undefined
  headers['content-length'] = String(part ? part.end - part.start + 1 : size)
  if (part) headers['content-range'] = `bytes ${part.start}-${part.end}/${size}`
  const body = request.method === 'HEAD' || size === 0 ? null : blobs.stream(digest, part)
  return new Response(body, { status: part ? 206 : 200, headers })
}
