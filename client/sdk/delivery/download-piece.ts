import { type Bytes, concatBytes } from '../../../shared/core/bytes.ts'
import { type Sha256, sha256 } from '../../../shared/core/digest.ts'
import { AppError, toAppError } from '../../../shared/core/errors.ts'
import type { DeviceContext } from '../device-context.ts'

/** A line that carries nothing for this long is given up and taken up again where it ended. */
const STALL_MS = 30_000
const FIRST_PAUSE_MS = 500

export type PieceRequest = {
  readonly digest: Sha256
  readonly bytes: number
  readonly signal?: AbortSignal | undefined
  readonly onBytes: (loaded: number) => void
}

/**
 * Downloads one piece and checks it: length as declared, digest as named. What was received before a break is kept, across restarts too, and the rest
 * is asked for by Range. Throws not_a_model (a web page came instead), digest_mismatch, truncated, network, timeout, aborted, unknown_blob.
 */
export async function downloadPiece(context: DeviceContext, request: PieceRequest): Promise<Bytes> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptDownload(context, request)
    } catch (thrown) {
      const error = toAppError(thrown)
      if (!error.retryable || error.code === 'aborted' || error.code === 'storage_full' || attempt >= context.retries) throw error
      // half of it random: devices that were cut off together do not come back together
      await context.clock.sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + context.random.uniform() / 2), request.signal)
    }
  }
}

async function attemptDownload(context: DeviceContext, { digest, bytes, signal, onBytes }: PieceRequest): Promise<Bytes> {
  const kept = await context.storage.partial(digest)
  const from = kept !== undefined && kept.size < bytes ? kept.size : 0
  const headers = from > 0 ? { range: `bytes=${from}-` } : {}
  const response = await context.client('blob.get', { params: { digest } }, { headers, ...(signal ? { signal } : {}) })
  checkHeaders(response, digest, bytes, from)
  const resumed = response.status === 206
  const parts: Bytes[] = resumed && kept !== undefined ? [new Uint8Array(await kept.arrayBuffer())] : []
  try {
    await readBody(context, response, parts, bytes, signal, onBytes)
  } catch (thrown) {
    const error = toAppError(thrown)
    const broken = error.code === 'network' || error.code === 'timeout' || error.code === 'truncated' || error.code === 'aborted'
    // no room for half a piece is no reason to fail otherwise than the line did
    if (broken && parts.length > 0) await context.storage.putPartial(digest, new Blob(parts)).catch(() => undefined)
    throw error
  }
  const all = concatBytes(parts)
  await context.storage.putPartial(digest, undefined)
  const found = await sha256(all)
  if (found === digest) return all
  // a resumed piece may be spoilt by its beginning: that is gone now, so it is asked for from the start
  if (resumed) return attemptDownload(context, { digest, bytes, signal, onBytes })
  throw new AppError('digest_mismatch', `piece ${digest.slice(0, 12)} came as other bytes (${found.slice(0, 12)})`, {
    issues: [{ where: digest, what: 'other bytes' }],
  })
}

function checkHeaders(response: Response, digest: Sha256, bytes: number, from: number): void {
  const type = response.headers.get('content-type') ?? ''
  const refuse = (error: AppError): never => {
    void response.body?.cancel()
    throw error
  }
  // single-page hosts answer unknown paths with their start page and status 200
  if (/^(text\/|application\/(xhtml|json))/i.test(type))
    refuse(new AppError('not_a_model', `piece ${digest.slice(0, 12)} came as ${type}: the address does not serve models`))
  if (response.status === 206 && !(response.headers.get('content-range') ?? '').startsWith(`bytes ${from}-`)) {
    refuse(new AppError('truncated', `the server sent the range ${response.headers.get('content-range')} instead of one from ${from}`))
  }
}

async function readBody(
  context: DeviceContext,
  response: Response,
  parts: Bytes[],
  bytes: number,
  signal: AbortSignal | undefined,
  onBytes: (loaded: number) => void,
): Promise<void> {
  const reader = (response.body ?? new Blob([]).stream()).getReader()
  let loaded = parts.reduce((sum, part) => sum + part.length, 0)
  onBytes(loaded)
  try {
    for (;;) {
      const chunk = await nextChunk(context, reader, signal)
      if (chunk === undefined) break
      loaded += chunk.length
      // never more than was declared: an endless answer must not fill the memory
      if (loaded > bytes) throw new AppError('digest_mismatch', `a piece of ${bytes} bytes goes on after its end`)
      parts.push(chunk)
      onBytes(loaded)
    }
  } catch (thrown) {
    void reader.cancel().catch(() => undefined)
    throw thrown
  }
  if (loaded < bytes) throw new AppError('truncated', `${loaded} of ${bytes} bytes came`)
}

async function nextChunk(
  context: DeviceContext,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Bytes | undefined> {
  const finished = new AbortController()
  const stalled = context.clock.sleep(STALL_MS, finished.signal).then(
    () => {
      throw new AppError('timeout', `nothing came for ${STALL_MS / 1000} s`)
    },
    () => new Promise<never>(() => undefined),
  )
  stalled.catch(() => undefined)
  try {
    if (signal?.aborted) throw new AppError('aborted', 'the download was aborted', { cause: signal.reason })
    const { done, value } = await Promise.race([reader.read(), stalled])
    return done ? undefined : (value as Bytes)
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    if (signal?.aborted) throw new AppError('aborted', 'the download was aborted', { cause: thrown })
    throw new AppError('network', `the download broke off: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })
  } finally {
    finished.abort()
  }
}
