import type { Handlers } from '../http/register.ts'
import { type CardOptions, createModelCards } from './model-card.ts'
import { modelCardHtml } from './model-card-html.ts'

const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function cardRoutes(options: CardOptions): Handlers {
  const cardOf = createModelCards(options)
  return {
    'versions.card': ({ params }) => cardOf(params.model, params.version),
    'versions.card-page': async ({ params }) =>
      new Response(modelCardHtml(await cardOf(params.model, params.version)), {
        headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY },
      }),
  }
}
