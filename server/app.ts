import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Clock } from '../shared/core/clock.ts'
import { AppError, toAppError } from '../shared/core/errors.ts'
import type { Slug } from '../shared/core/ids.ts'
import type { Random } from '../shared/core/random.ts'
import { ROUTES } from '../shared/contract/routes.ts'
import type { Actor } from './http/actor.ts'
import { allowed, corsHeaders, preflight } from './http/cors.ts'
import { headersOf } from './http/failure-with-headers.ts'
import type { Idempotency } from './http/idempotency.ts'
import { problemResponse } from './http/problem-response.ts'
import { type Handlers, type RateLimits, registerRoutes } from './http/register.ts'
import { routesAt } from './http/route-lookup.ts'
import { DATA_POLICY, SECURITY_HEADERS } from './http/security-headers.ts'
import type { Log } from './log.ts'

export type AppOptions = {
  /** One for each noun; together they must hold a handler for every route of the contract. */
  readonly handlers: readonly Handlers[]
  readonly authenticate: (token: string) => Promise<Actor>
  readonly assertMayUse?: (actor: Actor, model: Slug) => Promise<void>
  readonly idempotency: Idempotency
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly rateLimits: RateLimits
  /** Origins besides our own whose pages may call routes that need a key. */
  readonly origins: readonly string[]
  /** Compares each answer with the contract (tests). */
  readonly checkReplies: boolean
  /** Pages and other addresses beside the API; registered before the API's 404. */
  readonly pages?: readonly ((app: Hono) => void)[]
  /** Nouns (tags of the contract) whose routes may have no handler: for a part of the server on its own. */
  readonly absent?: readonly string[]
}

/** The whole HTTP surface, without a socket: `createApp(…).request(…)` is what tests call. */
export function createApp(options: AppOptions): Hono {
  const { random, log, origins } = options
  const app = new Hono()
  const requestIds = new WeakMap<Request, string>()
  const requestId = (context: Context): string => requestIds.get(context.req.raw) ?? 'none'

  app.use(async (context, next) => {
    const own = context.req.header('x-request-id')
    const id = own !== undefined && /^[\w-]{8,64}$/.test(own) ? own : Buffer.from(random.bytes(12)).toString('hex')
    requestIds.set(context.req.raw, id)
    const path = context.req.path
    const routes = routesAt(path)
    const origin = context.req.header('origin')
    if (context.req.method === 'OPTIONS' && routes.length > 0) {
      context.res = preflight(origin, context.req.header('access-control-request-method'), routes, { origins })
      return
    }
    await next()
    const method = context.req.method === 'HEAD' ? 'GET' : context.req.method
    const shared =
      routes.length > 0
        ? corsHeaders(
            origin,
            routes.filter((route) => route.method === method),
            { origins },
          )
        : {}
    for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...shared, 'x-request-id': id })) context.res.headers.set(name, value)
    if (!context.res.headers.has('content-security-policy')) context.res.headers.set('content-security-policy', DATA_POLICY)
  })

  for (const page of options.pages ?? []) page(app)

  const missing = registerRoutes(app, { ...options, handlers: merge(options.handlers), addressOf })
  const forgotten = missing.filter((name) => !(options.absent ?? []).includes(ROUTES[name].tag))
  if (forgotten.length > 0) throw new Error(`Routes without a handler: ${forgotten.join(', ')}`)

  app.onError((thrown, context) => {
    const error = thrown instanceof HTTPException ? new AppError('invalid_input', thrown.message, { cause: thrown }) : toAppError(thrown)
    if (error.status >= 500)
      log.error('request failed', {
        request: requestId(context),
        method: context.req.method,
        path: context.req.path,
        code: error.code,
        detail: error.detail,
        stack: rootStack(error),
      })
    return problemResponse(error, requestId(context), headersOf(error))
  })
  app.notFound((context) => {
    const routes = routesAt(context.req.path)
    if (routes.length === 0)
      return problemResponse(
        new AppError('not_found', `there is nothing at ${context.req.path.slice(0, 200)}: see /docs`),
        requestId(context),
      )
    const methods = allowed(routes)
    return problemResponse(
      new AppError('method_not_allowed', `${context.req.path.slice(0, 200)} takes ${methods}, not ${context.req.method}`),
      requestId(context),
      { allow: methods },
    )
  })
  return app
}

function merge(all: readonly Handlers[]): Handlers {
  const merged: Record<string, unknown> = {}
  for (const handlers of all) {
    for (const [name, handler] of Object.entries(handlers)) {
      if (name in merged) throw new Error(`Two handlers for ${name}`)
      merged[name] = handler
    }
  }
  return merged as Handlers
}

function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? 'unknown'
  } catch {
    // no socket: a test's app.request
    return 'in-process'
  }
}

const rootStack = (error: AppError): string =>
  error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : (error.stack ?? '')
