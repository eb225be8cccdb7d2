import { fromUtf8 } from '../../shared/core/bytes.ts'
import { AppError } from '../../shared/core/errors.ts'
import { MAX_JSON_DEPTH } from '../../shared/core/limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Reads a JSON body. Size (after decompression) and depth are counted while it comes, so that neither a large nor a deep body is ever held
 * whole. Fails with `unsupported_media_type`, `body_too_large`, `malformed_json`, and with `invalid_input` on what is JSON but cannot be
 * stored or signed: infinite numbers, lone surrogates, members named __proto__.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  assertMediaType(request.headers.get('content-type'))
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > maxBytes) throw tooLarge(maxBytes)
  const bytes = await collect(plain(request), maxBytes)
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new AppError('malformed_json', `the body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  const fault = faultOf(value)
  if (fault !== undefined) throw unfit(`body${fault.steps.toReversed().join('')}`, fault.what)
  return value
}

function assertMediaType(header: string | null): void {
  const [type = '', ...parameters] = (header ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const json = type === 'application/json' || /^application\/[a-z0-9.-]+\+json$/.test(type)
  if (!json)
    throw new AppError(
      'unsupported_media_type',
      `the content type must be application/json, got ${header === null ? 'none' : JSON.stringify(header.slice(0, 100))}`,
    )
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw new AppError('unsupported_media_type', `JSON is UTF-8, not ${charset.slice(0, 40)}`)
}

const tooLarge = (maxBytes: number): AppError => new AppError('body_too_large', `the body has more than ${maxBytes} bytes`)

/** The body without its content encoding. */
function plain(request: Request): ReadableStream<Uint8Array> | null {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase()
  if (encoding === undefined || encoding === 'identity' || request.body === null) return request.body
  if (encoding !== 'gzip' && encoding !== 'deflate')
    throw new AppError('unsupported_media_type', `the content encoding must be gzip, deflate or identity, got ${encoding.slice(0, 40)}`)
  return request.body.pipeThrough(new DecompressionStream(encoding) as ReadableWritablePair<Uint8Array, Uint8Array>)
}

async function collect(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const depth = depthCounter()
  let size = 0
  if (body !== null) {
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read().catch((cause: unknown) => {
          throw new AppError('malformed_json', `the body broke off: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
        })
        if (done) break
        size += value.length
        if (size > maxBytes) throw tooLarge(maxBytes)
        if (depth(value) > MAX_JSON_DEPTH) throw new AppError('malformed_json', `the body is nested more than ${MAX_JSON_DEPTH} deep`)
        chunks.push(value)
      }
    } catch (thrown) {
      await reader.cancel(thrown).catch(() => {})
      throw thrown
    }
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/** What a byte means to nesting, outside of strings. */
const OTHER = 0
const OPENS = 1
const CLOSES = 2
const QUOTES = 3
const MEANING = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x5b || byte === 0x7b ? OPENS : byte === 0x5d || byte === 0x7d ? CLOSES : byte === QUOTE ? QUOTES : OTHER,
)

/** Gives the greatest nesting seen so far, over chunks cut anywhere. */
function depthCounter(): (chunk: Uint8Array) => number {
  let depth = 0
  let deepest = 0
  let inString = false
  let escaped = false
  return (chunk) => {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
        continue
      }
      const meaning = MEANING[byte]
      if (meaning === OTHER) continue
      if (meaning === QUOTES) inString = true
      else if (meaning === CLOSES) depth--
      else if (++depth > deepest) deepest = depth
    }
    return deepest
  }
}

/**
 * What keeps a value from being stored and signed, and where it is: the steps to it, innermost first. Built on the way back alone, so that the many bodies without
 * fault cost a walk and nothing else.
 */
function faultOf(value: unknown): { readonly what: string; readonly steps: string[] } | undefined {
  const at = (what: string) => ({ what, steps: [] })
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : at('a number beyond what a double can hold')
  if (typeof value === 'string') return value.isWellFormed() ? undefined : at('text with half a surrogate pair')
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = faultOf(value[i])
      if (fault !== undefined) return { ...fault, steps: [...fault.steps, `[${i}]`] }
    }
    return undefined
  }
  for (const key in value) {
    if (key === '__proto__') return at('a member may not be named __proto__')
    if (!key.isWellFormed()) return at('a member whose name has half a surrogate pair')
    const fault = faultOf((value as Record<string, unknown>)[key])
    if (fault !== undefined) return { ...fault, steps: [...fault.steps, `.${key}`] }
  }
  return undefined
}

const unfit = (where: string, what: string): AppError => new AppError('invalid_input', `${where}: ${what}`, { issues: [{ where, what }] })
