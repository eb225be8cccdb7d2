import { nameOf } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { Pipelines } from './pipeline-service.ts'

export const pipelineRoutes = (pipelines: Pipelines): Handlers => ({
  'pipelines.list': async () => ({ items: await pipelines.list() }),
  'pipelines.get': ({ params }) => pipelines.get(params.pipeline),
  'pipelines.decisions': ({ params, query }) => pipelines.decisions(params.pipeline, query),
  'triggers.set': ({ params, body }) => pipelines.setTrigger(params.pipeline, params.kind, body),
  'triggers.test': ({ params, body }) => pipelines.testTrigger(params.pipeline, params.kind, body.settings),
  'runs.start': ({ params, body, actor }) => pipelines.startRun(params.pipeline, { ...body, by: nameOf(actor) }),
  'runs.list': ({ query }) => pipelines.runs(query),
  'runs.get': ({ params }) => pipelines.run(params.run),
  'runs.logs': ({ params, query }) => pipelines.logs(params.run, query),
  'runs.replay': ({ params, actor }) => pipelines.replay(params.run, nameOf(actor)),
  'runs.compare': ({ params }) => pipelines.compare(params.run, params.other),
  'pipelines.maturity': ({ params }) => pipelines.maturity(params.pipeline),
  'runs.resume': ({ params }) => pipelines.resume(params.run),
  'runs.cancel': ({ params, body }) => pipelines.cancel(params.run, body.reason),
})
