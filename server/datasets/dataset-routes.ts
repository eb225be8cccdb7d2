import { nameOf } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { Datasets } from './dataset-service.ts'
import { schemaRoutes } from './schema-routes.ts'

export const datasetRoutes = (datasets: Datasets): Handlers => ({
  'datasets.list': async () => ({ items: await datasets.list() }),
  'datasets.create': ({ body, actor }) => datasets.create({ ...body, by: nameOf(actor) }),
  'datasets.get': ({ params }) => datasets.get(params.dataset),
  'datasets.setSchema': async ({ params, body, actor }) => {
    await datasets.schemas.set(params.dataset, { schema: body, reason: 'accepted without a proposal', by: nameOf(actor) })
    return datasets.get(params.dataset)
  },
  ...schemaRoutes(datasets.schemas),
  'spans.upload': ({ params, body, request, actor }) =>
    datasets.upload(params.dataset, {
      data: body,
      type: request.headers.get('content-type') ?? '',
      source: `upload by ${nameOf(actor)}`.slice(0, 200),
    }),
  'sources.list': async () => ({ items: datasets.sources() }),
  'spans.import': ({ params, body }) => datasets.importFrom(params.dataset, body),
  'spans.collect': async ({ params, body }) => ({ span: await datasets.collect(params.dataset, body.model) }),
  'examples.share': ({ params, body, actor }) => datasets.share(params.model, nameOf(actor), body.examples),
})
