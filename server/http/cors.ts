import type { Route } from '../../shared/contract/route.ts'

export type CorsOptions = {
  /** Origins whose pages may call routes that need a key. */
  readonly origins: readonly string[]
}

const EXPOSED = 'etag, retry-after, content-range, accept-ranges, x-request-id'
const TAKEN = 'authorization, content-type, idempotency-key, if-none-match, range, cache-control, x-request-id'

/** Routes that devices call may be called from pages anywhere; no cookie ever authenticates, so nothing is lent to those pages. */
const openToAll = (route: Route): boolean => route.scope === 'public' || route.scope === 'device' || route.scope === 'device-or-editor'

/** The headers that let a page of another origin read the answer; none where it may not. */
export function corsHeaders(origin: string | undefined, routes: readonly Route[], { origins }: CorsOptions): Record<string, string> {
  if (routes.some(openToAll)) return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED }
  if (origin === undefined || !origins.includes(origin)) return { vary: 'origin' }
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' }
}

/** The answer to a preflight (OPTIONS) for an address that these routes share. */
export function preflight(
  origin: string | undefined,
  method: string | undefined,
  routes: readonly Route[],
  options: CorsOptions,
): Response {
  const asked = routes.filter((route) => route.method === method)
  const headers: Record<string, string> = { ...corsHeaders(origin, asked, options), allow: allowed(routes) }
  if (!('access-control-allow-origin' in headers)) return new Response(null, { status: 204, headers })
  return new Response(null, {
    status: 204,
    headers: {
      ...headers,
      'access-control-allow-methods': allowed(asked),
      'access-control-allow-headers': TAKEN,
      'access-control-max-age': '86400',
    },
  })
}

export const allowed = (routes: readonly Route[]): string =>
  [...new Set(routes.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])))].join(', ')
