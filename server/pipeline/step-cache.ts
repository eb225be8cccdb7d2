import { createHash } from 'node:crypto'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'

/** Everything that a step's result follows from. */
export type StepIdentity = {
  readonly component: Sha256
  /** Content digests by input name. */
  readonly inputs: { readonly [input: string]: Sha256 }
  readonly params: JsonObject
  readonly reads: Json
  readonly seed: number
}

/** The parameters without those that change nothing of what comes out. */
export const keyedParams = (params: JsonObject, unkeyed: readonly string[] = []): JsonObject =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !unkeyed.includes(name)))

/** Equal keys mean equal work: no ids, no times, no names of runs in it. */
export const cacheKey = (identity: StepIdentity): Sha256 => createHash('sha256').update(canonicalJson(identity)).digest('hex') as Sha256

/** An earlier successful execution, as the cache sees it. */
export type EarlierExecution = {
  readonly id: string
  readonly run: string
  readonly identity: StepIdentity
  readonly key: Sha256
  readonly missing: readonly string[]
}

const brief = (value: Json | undefined): string => {
  const text = value === undefined ? 'absent' : canonicalJson(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

const short = (digest: string): string => digest.slice(0, 12)

/** What differs between two identities, in words. */
export function differences(now: StepIdentity, before: StepIdentity): string[] {
  const found: string[] = []
  if (now.component !== before.component) found.push(`the component's code changed (${short(before.component)} to ${short(now.component)})`)
  for (const name of new Set([...Object.keys(now.inputs), ...Object.keys(before.inputs)])) {
    const [a, b] = [now.inputs[name], before.inputs[name]]
    if (a !== b) found.push(`input ${name} changed (${b === undefined ? 'absent' : short(b)} to ${a === undefined ? 'absent' : short(a)})`)
  }
  for (const name of new Set([...Object.keys(now.params), ...Object.keys(before.params)])) {
    if (canonicalJson(now.params[name] ?? null) !== canonicalJson(before.params[name] ?? null))
      found.push(`parameter ${name} changed (${brief(before.params[name])} to ${brief(now.params[name])})`)
  }
  if (canonicalJson(now.reads) !== canonicalJson(before.reads)) found.push('what it looks up changed')
  if (now.seed !== before.seed) found.push(`the seed changed (${before.seed} to ${now.seed})`)
  return found
}

/** The earlier result that stands in, of executions with the same key, newest first. One of whose blobs any is gone is never used. */
export function reusable(same: readonly EarlierExecution[]): { readonly from: string; readonly why: string } | undefined {
  const usable = same.find((execution) => execution.missing.length === 0)
  return usable && { from: usable.id, why: `same component, inputs, parameters and seed as in ${usable.run}; all outputs exist` }
}

/** Why none stands in. `others` are the newest executions of the same step of the same pipeline, to say what differs from the nearest of them. */
export function whyNotReused(
  identity: StepIdentity,
  same: readonly EarlierExecution[],
  others: readonly Pick<EarlierExecution, 'run' | 'identity'>[],
): string {
  const gone = same[0]
  if (gone !== undefined) return `done before in ${gone.run}, but ${gone.missing.join(', ')} no longer exists`
  const [nearest] = others
    .map((other) => ({ run: other.run, what: differences(identity, other.identity) }))
    .sort((a, b) => a.what.length - b.what.length)
  if (nearest === undefined) return 'first time'
  return `since ${nearest.run}: ${nearest.what.join('; ') || 'the form of the key changed'}`.slice(0, 500)
}
