import { createHash } from 'node:crypto'
import type { Context, Hono } from 'hono'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { MAX_JSON_BODY_BYTES } from '../../shared/core/limits.ts'
import type { Route, RouteInput, RouteResult } from '../../shared/contract/route.ts'
import { ROUTES, type RouteName, type Routes } from '../../shared/contract/routes.ts'
import { type Actor, mayCall } from './actor.ts'
import { etagOf, matches } from './etag.ts'
import { FailureWithHeaders } from './failure-with-headers.ts'
import { type Idempotency, parseIdempotencyKey } from './idempotency.ts'
import { readJson } from './json-body.ts'
import { createRateLimiter, type Rate, type RateLimiter } from './rate-limit.ts'
import { assertReply } from './reply-check.ts'
import { validate } from './validate.ts'

/** What a handler receives besides the parsed input. `idempotencyKey` is unique to the caller and the route. */
export type HandlerContext = {
  readonly actor: Actor
  readonly signal: AbortSignal
  readonly request: Request
  readonly idempotencyKey?: string
}
export type Handler<N extends RouteName> = (input: RouteInput<Routes[N]> & HandlerContext) => Promise<RouteResult<Routes[N]>>
export type Handlers = { [N in RouteName]?: Handler<N> }

export type RateLimits = {
  /** Each address, on routes that need no key. */
  readonly public: Rate
  /** Each device. */
  readonly device: Rate
  /** Each address, counting only requests that failed to authenticate. */
  readonly failures: Rate
}

export const DEFAULT_RATE_LIMITS: RateLimits = {
  public: { perSecond: 200, burst: 2000 },
  device: { perSecond: 20, burst: 200 },
  failures: { perSecond: 5, burst: 50 },
}

export type RegisterOptions = {
  readonly handlers: Handlers
  readonly authenticate: (token: string) => Promise<Actor>
  readonly idempotency: Idempotency
  readonly clock: Clock
  readonly rateLimits: RateLimits
  /** Fails when a device may have nothing to do with the model that the path names. */
  readonly assertMayUse?: (actor: Actor, model: Slug) => Promise<void>
  /** The address a request comes from. */
  readonly addressOf: (context: Context) => string
  /** Compares each answer with the contract before it leaves; an answer that does not fit is `internal`. */
  readonly checkReplies: boolean
}

type Limiters = { readonly [K in keyof RateLimits]: RateLimiter }
type AnyHandler = (input: Record<string, unknown>) => Promise<unknown>

/** Puts every route that has a handler onto the app. Gives back the names of those that have none. */
export function registerRoutes(app: Hono, options: RegisterOptions): RouteName[] {
  const { clock, rateLimits } = options
  const limiters: Limiters = {
    public: createRateLimiter({ clock, rate: rateLimits.public }),
    device: createRateLimiter({ clock, rate: rateLimits.device }),
    failures: createRateLimiter({ clock, rate: rateLimits.failures }),
  }
  const missing: RouteName[] = []
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    const handler = options.handlers[name] as AnyHandler | undefined
    if (handler) app.on(route.method, route.path, (context) => serve(context, name, route, handler, options, limiters))
    else missing.push(name)
  }
  return missing
}

async function serve(
  context: Context,
  name: RouteName,
  route: Route,
  handler: AnyHandler,
  options: RegisterOptions,
  limiters: Limiters,
): Promise<Response> {
  const actor = await admit(context, route, options, limiters)
  const request = context.req.raw
  const params = route.params ? validate(route.params, context.req.param(), 'path') : {}
  const { model } = params as { model?: Slug }
  if (actor.kind === 'device' && model !== undefined) await options.assertMayUse?.(actor, model)
  const query = route.query ? validate(route.query, context.req.query(), 'query') : {}
  const raw = route.body ? await bodyOf(request, route.body) : undefined
  const input = { params, query, body: raw?.value, actor, request, signal: request.signal }

  const key = route.idempotent ? request.headers.get('idempotency-key') : null
  if (key === null || route.reply.kind !== 'json') return answer(route, name, request, await handler(input), options.checkReplies)

  const { status } = route.reply
  const idempotencyKey = `${actor.kind === 'key' || actor.kind === 'device' ? actor.id : actor.kind} ${name} ${parseIdempotencyKey(key)}`
  const stored = await options.idempotency.once(
    idempotencyKey,
    async () =>
      createHash('sha256')
        .update(canonicalJson([context.req.path, query]))
        .update(raw ? await raw.digest() : '')
        .digest('hex'),
    async () => ({ status, reply: await jsonText(route, name, await handler({ ...input, idempotencyKey }), options.checkReplies) }),
  )
  return jsonAnswer(route, request, stored.status, stored.reply)
}

/** Who asks, when they may. */
async function admit(context: Context, route: Route, { authenticate, addressOf }: RegisterOptions, limiters: Limiters): Promise<Actor> {
  const slowDown = (seconds: number): void => {
    if (seconds === 0) return
    throw new FailureWithHeaders('rate_limited', `too many requests: try again in ${seconds} s`, { 'retry-after': String(seconds) })
  }
  if (route.scope === 'public') {
    slowDown(limiters.public.take(addressOf(context)))
    return { kind: 'public' }
  }
  let actor: Actor
  try {
    actor = await authenticate(bearerOf(context.req.header('authorization')))
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.status === 401) slowDown(limiters.failures.take(addressOf(context)))
    throw thrown
  }
  if (actor.kind === 'device') slowDown(limiters.device.take(actor.id))
  if (!mayCall(actor, route.scope)) {
    throw new AppError(
      'forbidden',
      `this needs ${describeScope(route.scope)}, you presented ${actor.kind === 'key' ? `a key of scope ${actor.scope}` : 'a device token'}`,
    )
  }
  return actor
}

const describeScope = (scope: Route['scope']): string =>
  scope === 'device'
    ? 'a device token'
    : scope === 'device-or-editor'
      ? 'a device token, or a key of scope editor'
      : `a key of scope ${scope}`

function bearerOf(header: string | undefined): string {
  if (header === undefined) throw new AppError('unauthenticated', 'send a key or device token: Authorization: Bearer shoal_…')
  const [scheme, token, more] = header.trim().split(/\s+/)
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined || more !== undefined)
    throw new AppError('unauthenticated', 'the Authorization header must be "Bearer" and a token')
  return token
}

type RequestBody = { readonly value: unknown; readonly digest: () => Promise<string> }

async function bodyOf(request: Request, spec: NonNullable<Route['body']>): Promise<RequestBody> {
  if (spec.kind === 'json') {
    const value = validate(spec.schema, await readJson(request, spec.maxBytes ?? MAX_JSON_BODY_BYTES), 'body')
    return { value, digest: async () => createHash('sha256').update(canonicalJson(value)).digest('hex') }
  }
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type === undefined || !spec.types.includes(type))
    throw new AppError(
      'unsupported_media_type',
      `the content type must be ${spec.types.join(' or ')}, got ${type?.slice(0, 100) ?? 'none'}`,
    )
  if ((request.headers.get('content-encoding') ?? 'identity') !== 'identity')
    throw new AppError('unsupported_media_type', 'send the bytes as they are, without a content encoding')
  if (Number(request.headers.get('content-length') ?? 0) > spec.maxBytes)
    throw new AppError('body_too_large', `the body has more than ${spec.maxBytes} bytes`)
  return countedBytes(request.body, spec.maxBytes)
}

/** A stream that ends with `body_too_large` at the limit, and that knows the digest of what went through. */
function countedBytes(body: ReadableStream<Uint8Array> | null, maxBytes: number): RequestBody {
  const hash = createHash('sha256')
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      bytes += chunk.length
      if (bytes > maxBytes) throw new AppError('body_too_large', `the body has more than ${maxBytes} bytes`)
      hash.update(chunk)
      controller.enqueue(chunk)
    },
  })
  const value = (body ?? new Blob([]).stream()).pipeThrough(counter)
  let digest: string | undefined
  return {
    value,
    digest: async () => {
      // a repeated request, whose body no handler has read
      if (!value.locked) for await (const _ of value);
      digest ??= hash.digest('hex')
      return digest
    },
  }
}

async function answer(route: Route, name: RouteName, request: Request, result: unknown, check: boolean): Promise<Response> {
  switch (route.reply.kind) {
    case 'json':
      return jsonAnswer(route, request, route.reply.status, await jsonText(route, name, result, check))
    case 'empty':
      return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
    case 'bytes':
    case 'events':
      return result as Response
  }
}

async function jsonText(route: Route, name: RouteName, result: unknown, check: boolean): Promise<string> {
  const text = JSON.stringify(result)
  if (check && route.reply.kind === 'json') assertReply(name, route.reply.schema, text)
  return text
}

function jsonAnswer(route: Route, request: Request, status: number, text: string): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': cacheControl(route) }
  if (request.method === 'GET' || request.method === 'HEAD') {
    headers['etag'] = etagOf(text)
    if (matches(request.headers.get('if-none-match'), headers['etag'])) return new Response(null, { status: 304, headers })
  }
  return new Response(text, { status, headers })
}

export function cacheControl(route: Route): string {
  if (route.cache === 'immutable') return 'public, max-age=31536000, immutable'
  if (route.cache === 'revalidate') return 'public, no-cache'
  return route.method === 'GET' && route.scope !== 'public' ? 'private, no-cache' : 'no-store'
}
