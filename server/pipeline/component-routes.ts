import * as z from 'zod'
import type { ComponentSummary } from '../../shared/contract/components.ts'
import type { Slug } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { nameOf } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { AnyComponent } from './component.ts'
import type { Pipelines } from './pipeline-service.ts'

/** Parameters that JSON Schema has no words for (a function's check) are left open. */
const paramsOf = ({ params }: AnyComponent): JsonObject => z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as JsonObject

const summaryOf = (component: AnyComponent): ComponentSummary => ({
  name: component.name as Slug,
  version: component.version,
  inputs: component.inputs,
  outputs: component.outputs,
  params: paramsOf(component),
})

export const componentRoutes = (pipelines: Pick<Pipelines, 'components' | 'startStep'>): Handlers => ({
  'components.list': async () => ({ items: [...pipelines.components().values()].map(summaryOf) }),
  'components.run': ({ params, body, actor }) => pipelines.startStep(params.component, { ...body, by: nameOf(actor) }),
})
