import { AppError, type Issue } from '../../shared/core/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../shared/core/json.ts'

/** Stands for a parameter of the pipeline inside the parameters of a step. */
export type ParamRef = { readonly $param: string }
/** Stands for one of several values, chosen by a parameter of the pipeline as it prints. */
export type ChoiceRef = { readonly $choice: string; readonly of: { readonly [value: string]: Json } }

export const param = (name: string): ParamRef => ({ $param: name })
export const choice = (name: string, of: { readonly [value: string]: Json }): ChoiceRef => ({ $choice: name, of })

/** The value with every reference replaced. What cannot be replaced is told in `issues`. */
export function resolveParams(value: Json, params: JsonObject, where: string, issues: Issue[]): Json {
  if (Array.isArray(value)) return value.map((item: Json, i) => resolveParams(item, params, `${where}[${i}]`, issues))
  if (!isJsonObject(value)) return value
  const name = value['$param'] ?? value['$choice']
  if (typeof name === 'string') {
    const given = Object.hasOwn(params, name) ? params[name] : undefined
    if (given === undefined) {
      issues.push({ where, what: `the pipeline has no parameter ${name}` })
      return null
    }
    if (value['$param'] !== undefined) return given
    const of = value['of'] as JsonObject
    const chosen = Object.hasOwn(of, String(given)) ? of[String(given)] : undefined
    if (chosen !== undefined) return resolveParams(chosen, params, where, issues)
    issues.push({ where, what: `${name} is ${JSON.stringify(given)}, expected one of ${Object.keys(of).join(', ')}` })
    return null
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolveParams(member, params, `${where}.${key}`, issues)]))
}

/** A run's parameters: the pipeline's own, with those given. Throws invalid_input for a name that the pipeline does not have. */
export function runParams(defaults: JsonObject, given: JsonObject): JsonObject {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(defaults, name))
  if (unknown.length > 0) {
    throw new AppError(
      'invalid_input',
      `the pipeline has no parameter ${unknown.join(', ')}; it has ${Object.keys(defaults).join(', ') || 'none'}`,
      {
        issues: unknown.map((name) => ({ where: `params.${name}`, what: 'not a parameter of this pipeline' })),
      },
    )
  }
  return { ...defaults, ...given }
}
