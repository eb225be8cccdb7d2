import type * as z from 'zod/mini'
import type { ErrorCode } from '../core/errors.ts'

/**
 * Who may call a route. Key scopes are ordered: each includes the ones before it. `device` is a device token;
 * `public` needs nothing; a route can take a device token or a key of the given scope (`device-or-editor`).
 */
export const SCOPES = ['public', 'device', 'viewer', 'editor', 'releaser', 'admin', 'device-or-editor'] as const
export type Scope = (typeof SCOPES)[number]

/** The scopes a key can carry, weakest first. */
export const KEY_SCOPES = ['viewer', 'editor', 'releaser', 'admin'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

type Schema = z.core.$ZodType

export type BodySpec =
  | { readonly kind: 'json'; readonly schema: Schema; readonly maxBytes?: number }
  /** The raw bytes, streamed; `types` are the content types taken. */
  | { readonly kind: 'bytes'; readonly types: readonly string[]; readonly maxBytes: number }

export type ReplySpec =
  | { readonly kind: 'json'; readonly status: 200 | 201 | 202; readonly schema: Schema }
  | { readonly kind: 'bytes'; readonly type: string }
  /** Server-sent events; `schema` is what each event's data holds. */
  | { readonly kind: 'events'; readonly schema: Schema }
  | { readonly kind: 'empty' }

/** One operation of the HTTP API: the single source of the server's registration, the typed client and the OpenAPI document. */
export type Route = {
  readonly method: Method
  /** With `:name` parameters. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly scope: Scope
  readonly params?: Schema
  readonly query?: Schema
  readonly body?: BodySpec
  readonly reply: ReplySpec
  /** What can go wrong besides what every route can answer (see COMMON_ERRORS). */
  readonly errors?: readonly ErrorCode[]
  /** Takes an Idempotency-Key header: a retried request has one effect and the same answer. */
  readonly idempotent?: boolean
  /** How caches may keep the answer: for ever, or asking each time whether it is still current (ETag). Without it, only the caller may keep it. */
  readonly cache?: 'immutable' | 'revalidate'
}

/** What any route may answer, so that no route needs to list it. */
export const COMMON_ERRORS = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'unavailable',
  'internal',
] as const satisfies readonly ErrorCode[]

/** Every failure that a route may answer with, its own and those that follow from what it takes. */
export function errorsOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>([...COMMON_ERRORS, ...(route.errors ?? [])])
  if (route.scope !== 'public') for (const code of ['key_expired', 'key_revoked'] as const) codes.add(code)
  if (route.body) for (const code of ['unsupported_media_type', 'body_too_large'] as const) codes.add(code)
  if (route.body?.kind === 'json') codes.add('malformed_json')
  if (route.idempotent) codes.add('idempotency_conflict')
  return [...codes].sort()
}

type Out<S> = S extends z.core.$ZodType ? z.core.output<S> : never
type In<S> = S extends z.core.$ZodType ? z.core.input<S> : never
type Empty = Record<never, never>

/** What a handler receives: parsed. */
export type RouteInput<R extends Route> = {
  readonly params: R extends { params: infer S } ? Out<S> : Empty
  readonly query: R extends { query: infer S } ? Out<S> : Empty
  readonly body: R extends { body: { kind: 'json'; schema: infer S } }
    ? Out<S>
    : R extends { body: { kind: 'bytes' } }
      ? ReadableStream<Uint8Array>
      : undefined
}

/** What a caller passes: only the parts that the route takes. */
export type RouteCall<R extends Route> = (R extends { params: infer S } ? { readonly params: In<S> } : Empty) &
  (R extends { query: infer S } ? (Empty extends In<S> ? { readonly query?: In<S> } : { readonly query: In<S> }) : Empty) &
  (R extends { body: { kind: 'json'; schema: infer S } }
    ? { readonly body: In<S> }
    : R extends { body: { kind: 'bytes' } }
      ? { readonly body: Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>; readonly type?: string }
      : Empty)

/** What a caller gets back. */
export type RouteReply<R extends Route> = R extends { reply: { kind: 'json'; schema: infer S } }
  ? Out<S>
  : R extends { reply: { kind: 'empty' } }
    ? undefined
    : Response

/** What a handler returns for a JSON route, before it is sent. */
export type RouteResult<R extends Route> = R extends { reply: { kind: 'json'; schema: infer S } }
  ? In<S>
  : R extends { reply: { kind: 'empty' } }
    ? undefined
    : Response

export const defineRoutes = <const R extends Record<string, Route>>(routes: R): R => routes
