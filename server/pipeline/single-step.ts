import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { AppError, type Issue } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { type AnyComponent, artifactTypeOf, isOptional } from './component.ts'
import type { Pipeline } from './pipeline.ts'

/** A component by itself: `step-train`; with its optional inputs, where they are given: `step-train-with-trials`. */
const PREFIX = 'step-'
const WITH = '-with-'

export const isSingleStep = (pipeline: string): boolean => pipeline.startsWith(PREFIX)

const required = ({ inputs }: AnyComponent): string[] => Object.keys(inputs).filter((name) => !isOptional(inputs[name] ?? 'data'))

const inputParam = (input: string): string => `input-${input}`

function pipelineName({ name, inputs }: AnyComponent, given: readonly string[]): string {
  const optional = Object.keys(inputs).filter((input) => isOptional(inputs[input] ?? 'data') && given.includes(input))
  return [PREFIX + name, ...optional].join(WITH)
}

function pipelineOf(component: AnyComponent, inputs: readonly string[]): Pipeline {
  const name = pipelineName(component, inputs)
  return {
    name,
    description: `One step by itself: ${component.name}`,
    model: name,
    dataset: name,
    params: { seed: 1, params: {}, ...Object.fromEntries(inputs.map((input) => [inputParam(input), ''])) },
    steps: {
      [component.name]: {
        component,
        inputs: Object.fromEntries(inputs.map((input) => [input, `$${inputParam(input)}`])),
        params: { $param: 'params' },
        after: [],
      },
    },
    triggers: {},
    rollout: null,
  }
}

/** The pipeline that a name stands for, so that a run goes on after a restart; undefined for other names. */
export function singleStepNamed(name: string, components: ReadonlyMap<string, AnyComponent>): Pipeline | undefined {
  if (!isSingleStep(name)) return undefined
  const [component = '', ...optional] = name.slice(PREFIX.length).split(WITH)
  const found = components.get(component)
  if (found === undefined || optional.some((input) => !Object.hasOwn(found.inputs, input))) return undefined
  return pipelineOf(found, [...required(found), ...optional])
}

export type SingleStep = { readonly inputs: Readonly<Record<string, ArtifactSummary>>; readonly params: JsonObject; readonly seed: number }

/** The pipeline of one component on stored artifacts, and the parameters of its run. Throws invalid_input naming each input that is missing, unknown or of another type. */
export function singleStep(component: AnyComponent, { inputs, params, seed }: SingleStep): { pipeline: Pipeline; params: JsonObject } {
  const issues: Issue[] = []
  const takes = Object.entries(component.inputs).map(([name, type]) => `${name} (${type.replace('?', ', optional')})`)
  for (const name of required(component))
    if (!Object.hasOwn(inputs, name))
      issues.push({ where: `inputs.${name}`, what: `is missing: an artifact of type ${component.inputs[name] ?? ''}` })
  for (const [name, { id, type, digest }] of Object.entries(inputs)) {
    const wanted = component.inputs[name]
    const where = `inputs.${name}`
    if (wanted === undefined) issues.push({ where, what: `${component.name} has no such input; it takes ${takes.join(', ') || 'none'}` })
    else if (artifactTypeOf(wanted) !== type)
      issues.push({ where, what: `takes type ${artifactTypeOf(wanted)}, but ${id} is of type ${type}` })
    else if (digest === null) issues.push({ where, what: `what ${id} held was deleted` })
  }
  if (issues.length > 0) throw new AppError('invalid_input', issues.map(({ where, what }) => `${where}: ${what}`).join('; '), { issues })
  return {
    pipeline: pipelineOf(component, Object.keys(inputs)),
    params: { seed, params, ...Object.fromEntries(Object.entries(inputs).map(([name, { id }]) => [inputParam(name), id])) },
  }
}
