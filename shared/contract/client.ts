import * as z from 'zod/mini'
import { AppError, fromProblem } from '../core/errors.ts'
import type { Route, RouteCall, RouteReply } from './route.ts'
import { ROUTES, type RouteName, type Routes } from './routes.ts'

/** The part of fetch that the client needs: the browser's, Node's, or `app.request` of the server under test. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export type ClientOptions = {
  /** Where the server is, without a trailing slash; '' for the page's own origin. */
  readonly url: string
  readonly fetch: Fetch
  /** The key or device token that goes with each request. */
  readonly token?: () => string | undefined
}

export type CallOptions = { readonly signal?: AbortSignal; readonly idempotencyKey?: string; readonly headers?: Record<string, string> }

/** What comes after a route's name. */
type Arguments<R extends Route> =
  object extends RouteCall<R> ? [call?: RouteCall<R>, options?: CallOptions] : [call: RouteCall<R>, options?: CallOptions]

/**
 * The arguments of the route that K names. While a compiler has not settled the name yet, it asks for the arguments of any string: the last line spares it
 * the union of all routes, which had it spend two thirds of its time on the calls of this client.
 */
type ArgumentsOf<K extends string> = K extends RouteName ? Arguments<Routes[K]> : [call?: unknown, options?: CallOptions]

export type Client = <N extends RouteName, K extends string = N>(name: N, ...args: ArgumentsOf<K>) => Promise<RouteReply<Routes[N]>>

type AnyCall = { params?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown; type?: string }

/**
 * The typed client: `await client('models.get', { params: { model: 'digits' } })`. Every failure is an AppError: the server's own code from its problem
 * document, `network` when no answer came, `aborted` when the signal ended it. JSON answers are parsed by the route's schema; bytes and events come as the Response.
 */
export function createClient(options: ClientOptions): Client {
  const call = async (
    name: RouteName,
    input: AnyCall = {},
    { signal, idempotencyKey, headers: extra }: CallOptions = {},
  ): Promise<unknown> => {
    const route: Route = ROUTES[name]
    const headers: Record<string, string> = {
      accept: route.reply.kind === 'events' ? 'text/event-stream' : 'application/json, */*',
      ...extra,
    }
    const token = options.token?.()
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
    const init: RequestInit & { duplex?: 'half' } = { method: route.method, headers }
    if (signal) init.signal = signal
    if (route.body?.kind === 'json') {
      headers['content-type'] = 'application/json'
      init.body = JSON.stringify(input.body)
    } else if (route.body?.kind === 'bytes') {
      headers['content-type'] = input.type ?? route.body.types[0] ?? 'application/octet-stream'
      init.body = input.body as BodyInit
      if (input.body instanceof ReadableStream) init.duplex = 'half'
    }
    const response = await send(options.fetch, options.url + pathOf(route, input), init)
    if (!response.ok) throw await failureOf(response)
    if (route.reply.kind === 'empty') return undefined
    if (route.reply.kind !== 'json') return response
    const value = await jsonOf(response)
    const parsed = z.safeParse(route.reply.schema, value)
    if (parsed.success) return parsed.data
    throw new AppError(
      'protocol_mismatch',
      `${route.method} ${route.path} answered in an unknown form: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
    )
  }
  return call as Client
}

/** A route's path with its parameters and query filled in. */
export function pathOf(route: Route, input: AnyCall): string {
  const path = route.path.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(String(input.params?.[name])))
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) query.set(key, String(value))
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

async function send(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (thrown) {
    if (init.signal?.aborted) throw new AppError('aborted', 'the request was aborted', { cause: thrown })
    throw new AppError('network', `no answer from ${url}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError(
      'protocol_mismatch',
      `expected JSON, got ${response.headers.get('content-type') ?? 'no content type'}: ${text.slice(0, 80)}`,
      { cause },
    )
  }
}

async function failureOf(response: Response): Promise<AppError> {
  const text = await response.text().catch(() => '')
  try {
    const problem = fromProblem(JSON.parse(text))
    if (problem) return problem
  } catch {
    // not a problem document: told below by its status
  }
  return new AppError(
    response.status >= 500 ? 'unavailable' : 'protocol_mismatch',
    `HTTP ${response.status} without a problem document: ${text.slice(0, 120)}`,
  )
}
