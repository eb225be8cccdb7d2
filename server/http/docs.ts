import type { Hono } from 'hono'
import { docsPage } from '../../shared/contract/docs-page.ts'
import { openApi } from '../../shared/contract/openapi.ts'
import { etagOf, matches } from './etag.ts'

const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `/openapi.json` for programs and `/docs` for people, both made from the contract when first asked for. */
export function apiDocs({ version }: { readonly version: string }): (app: Hono) => void {
  const documents = {
    '/openapi.json': { type: 'application/json', policy: undefined, make: () => JSON.stringify(openApi({ version })) },
    '/docs': { type: 'text/html; charset=utf-8', policy: PAGE_POLICY, make: () => docsPage({ version }) },
  }
  return (app) => {
    for (const [path, { type, policy, make }] of Object.entries(documents)) {
      let text: string | undefined
      app.get(path, (context) => {
        text ??= make()
        const etag = etagOf(text)
        const headers: Record<string, string> = {
          'content-type': type,
          'cache-control': 'no-cache',
          etag,
          'access-control-allow-origin': '*',
          ...(policy === undefined ? {} : { 'content-security-policy': policy }),
        }
        if (matches(context.req.header('if-none-match') ?? null, etag)) return new Response(null, { status: 304, headers })
        return new Response(text, { headers })
      })
    }
  }
}
