import type { TRIGGER_KINDS } from '../../shared/contract/pipelines.ts'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import { type Sha256, sha256 } from '../../shared/core/digest.ts'
import { AppError, type Issue } from '../../shared/core/errors.ts'
import { SLUG } from '../../shared/core/ids.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import { fail, ok, type Result } from '../../shared/core/result.ts'
import { type AnyComponent, artifactTypeOf, type Component, type InputType, isOptional } from './component.ts'
import type { ArtifactType } from './artifact-types.ts'
import { resolveParams } from './params.ts'

export type TriggerKind = (typeof TRIGGER_KINDS)[number]

/** Where an input comes from: `step.output`; or `$name`, a parameter of the pipeline that holds the id of a stored artifact. */
export type Wire = string

export type StepDefinition = {
  readonly component: AnyComponent
  readonly inputs: { readonly [input: string]: Wire }
  readonly params: JsonObject
  readonly after: readonly string[]
}

export type TriggerDefinition = { readonly enabled: boolean; readonly settings: JsonObject }

export type Pipeline = {
  readonly name: string
  readonly description: string
  /** The model that its versions belong to: whose drift and shared examples its triggers listen to. */
  readonly model: string
  readonly dataset: string
  /** Defaults; a run may give others. Steps also see `model`, `dataset` and `rollout` as parameters. */
  readonly params: JsonObject
  readonly steps: { readonly [name: string]: StepDefinition }
  readonly triggers: { readonly [K in TriggerKind]?: TriggerDefinition }
  /** The policy that a release follows (shared/contract/rollouts.ts); null for the server's own. */
  readonly rollout: JsonObject | null
}

type RequiredNames<I> = { [K in keyof I]: I[K] extends `${string}?` ? never : K }[keyof I]
type Wires<I> = { readonly [K in RequiredNames<I>]: Wire } & { readonly [K in keyof I]?: Wire }
type StepOptions<I> = { readonly params?: JsonObject; readonly after?: readonly string[] } & (RequiredNames<I> extends never
  ? { readonly inputs?: Wires<I> }
  : { readonly inputs: Wires<I> })

/** One step: a component with its inputs wired to earlier outputs (`'prepare.train'`), and its parameters. */
export function step<I extends Record<string, InputType>, O extends Record<string, ArtifactType>, P>(
  component: Component<I, O, P>,
  options: StepOptions<I>,
): StepDefinition {
  return {
    component: component as unknown as AnyComponent,
    inputs: (options.inputs ?? {}) as Record<string, Wire>,
    params: options.params ?? {},
    after: options.after ?? [],
  }
}

type PipelineOptions = Omit<Pipeline, 'params' | 'triggers' | 'rollout'> & Partial<Pick<Pipeline, 'params' | 'triggers' | 'rollout'>>

/** A pipeline that holds together. Throws invalid_pipeline, naming each step and input at fault. */
export function definePipeline(options: PipelineOptions): Pipeline {
  const pipeline: Pipeline = { params: {}, triggers: {}, rollout: null, ...options }
  const checked = checkPipeline(pipeline)
  if (checked.ok) return pipeline
  const { detail, issues } = checked.error
  throw new AppError('invalid_pipeline', detail, {
    issues: issues.map(({ where, what }) => ({ where: `${pipeline.name}: ${where}`, what })),
  })
}

/** The steps that a step waits for, each once, in the order of the definition. */
export function predecessors(pipeline: Pipeline, name: string): string[] {
  const definition = pipeline.steps[name]
  if (definition === undefined) return []
  const wanted = new Set([...Object.values(definition.inputs).map((wire) => wire.split('.')[0] ?? ''), ...definition.after])
  return Object.keys(pipeline.steps).filter((other) => wanted.has(other))
}

/** Whether a run may end in a release: others have no reason to wait for one. */
export const releases = (pipeline: Pipeline): boolean =>
  Object.values(pipeline.steps).some(({ component }) => Object.values(component.outputs).includes('release'))

/** What step parameters may refer to. */
export const pipelineParams = (pipeline: Pipeline, given: JsonObject): JsonObject => ({
  model: pipeline.model,
  dataset: pipeline.dataset,
  rollout: pipeline.rollout,
  ...given,
})

const parse = (component: AnyComponent, params: Json, where: string): Issue[] => {
  const parsed = component.params.safeParse(params)
  return parsed.success
    ? []
    : parsed.error.issues.map((issue) => ({ where: [where, ...issue.path.map(String)].join('.'), what: issue.message }))
}

function wiringIssues(pipeline: Pipeline, name: string, { component, inputs, after }: StepDefinition): Issue[] {
  const issues: Issue[] = []
  for (const [input, type] of Object.entries(component.inputs)) {
    const where = `steps.${name}.inputs.${input}`
    const wire = Object.hasOwn(inputs, input) ? inputs[input] : undefined
    if (wire === undefined) {
      if (!isOptional(type)) issues.push({ where, what: `is missing: ${component.name} needs an artifact of type ${artifactTypeOf(type)}` })
      continue
    }
    if (wire.startsWith('$')) {
      if (!Object.hasOwn(pipeline.params, wire.slice(1)))
        issues.push({ where, what: `comes from parameter ${wire.slice(1)}, which the pipeline does not have` })
      continue
    }
    const [from = '', output = ''] = wire.split('.')
    const source = Object.hasOwn(pipeline.steps, from) ? pipeline.steps[from] : undefined
    if (source === undefined) issues.push({ where, what: `comes from step ${from}, which does not exist` })
    else {
      const given = Object.hasOwn(source.component.outputs, output) ? source.component.outputs[output] : undefined
      if (given === undefined)
        issues.push({
          where,
          what: `step ${from} has no output ${output || '(none named)'}; it has ${Object.keys(source.component.outputs).join(', ')}`,
        })
      else if (given !== artifactTypeOf(type))
        issues.push({ where, what: `takes type ${artifactTypeOf(type)}, but ${wire} is of type ${given}` })
    }
  }
  for (const input of Object.keys(inputs)) {
    if (!Object.hasOwn(component.inputs, input))
      issues.push({
        where: `steps.${name}.inputs.${input}`,
        what: `${component.name} has no such input; it has ${Object.keys(component.inputs).join(', ') || 'none'}`,
      })
  }
  for (const other of after)
    if (!Object.hasOwn(pipeline.steps, other)) issues.push({ where: `steps.${name}.after`, what: `step ${other} does not exist` })
  return issues
}

/** Steps in an order in which each comes after those it waits for; those that wait for each other in a circle are left out. */
export function topologicalOrder(pipeline: Pipeline): string[] {
  const order: string[] = []
  const waiting = new Set(Object.keys(pipeline.steps))
  for (;;) {
    const ready = [...waiting].filter((name) => predecessors(pipeline, name).every((other) => order.includes(other)))
    if (ready.length === 0) return order
    for (const name of ready) {
      order.push(name)
      waiting.delete(name)
    }
  }
}

/** Whether names, wires, types and parameters fit, before anything runs. */
export function checkPipeline(pipeline: Pipeline): Result<Pipeline> {
  const issues: Issue[] = []
  for (const key of ['name', 'model', 'dataset'] as const)
    if (!SLUG.test(pipeline[key])) issues.push({ where: key, what: 'must be lower-case letters, digits and single hyphens' })
  if (Object.keys(pipeline.steps).length === 0) issues.push({ where: 'steps', what: 'a pipeline needs at least one step' })
  for (const [name, definition] of Object.entries(pipeline.steps)) {
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(name))
      issues.push({ where: `steps.${name}`, what: 'a step name is lower-case letters, digits and hyphens' })
    issues.push(...wiringIssues(pipeline, name, definition))
    const refs: Issue[] = []
    const resolved = resolveParams(definition.params, pipelineParams(pipeline, pipeline.params), `steps.${name}.params`, refs)
    issues.push(...refs, ...(refs.length === 0 ? parse(definition.component, resolved, `steps.${name}.params`) : []))
  }
  const ordered = new Set(topologicalOrder(pipeline))
  const circle = Object.keys(pipeline.steps).filter((name) => !ordered.has(name))
  // a wire to a step that does not exist is told above; predecessors leaves it out, so what remains is a true circle
  if (circle.length > 0) issues.push({ where: `steps.${circle[0]}`, what: `waits for itself through ${circle.join(', ')}` })
  if (issues.length === 0) return ok(pipeline)
  const detail = `pipeline ${pipeline.name}: ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`
  return fail(new AppError('invalid_pipeline', detail.slice(0, 4000), { issues }))
}

/** A step's parameters in a run, checked and completed with the component's defaults. Throws invalid_input. */
export function stepParams(pipeline: Pipeline, name: string, given: JsonObject): JsonObject {
  const definition = pipeline.steps[name]
  const issues: Issue[] = []
  const resolved = resolveParams(definition?.params ?? {}, pipelineParams(pipeline, given), `steps.${name}.params`, issues)
  const parsed = definition?.component.params.safeParse(resolved)
  if (parsed !== undefined && !parsed.success)
    issues.push(
      ...parsed.error.issues.map((issue) => ({ where: `steps.${name}.params.${issue.path.map(String).join('.')}`, what: issue.message })),
    )
  if (issues.length > 0 || parsed === undefined || !parsed.success)
    throw new AppError('invalid_input', issues.map(({ where, what }) => `${where}: ${what}`).join('; '), { issues })
  return parsed.data as JsonObject
}

/** A pipeline's definition as JSON: the same text in development, staging and production gives the same digest. */
export function definitionOf(pipeline: Pipeline): JsonObject {
  const steps = Object.entries(pipeline.steps).map(([name, { component, inputs, params, after }]): [string, Json] => [
    name,
    { component: component.name, componentVersion: component.version, inputs, params, after },
  ])
  const { name, description, model, dataset, params, triggers, rollout } = pipeline
  return {
    name,
    description,
    model,
    dataset,
    params,
    rollout,
    triggers: triggers as unknown as JsonObject,
    steps: Object.fromEntries(steps),
  }
}

export const pipelineDigest = (pipeline: Pipeline): Promise<Sha256> => sha256(canonicalJson(definitionOf(pipeline)))
