import type { RunComparison, RunDetail } from '../../shared/contract/pipelines.ts'
import { differences, type StepIdentity } from './step-cache.ts'

/** What is compared of a run. Texts and numbers by name, as they are shown. */
export type ComparedRun = {
  readonly detail: RunDetail
  readonly params: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, string>>
  /** What each step's result follows from; absent for a step that never began. */
  readonly identities: Readonly<Record<string, StepIdentity>>
}

type Pair = RunComparison['params'][number]

const ENDED: readonly RunDetail['state'][] = ['succeeded', 'failed', 'cancelled', 'stopped']
/** Tells who did it, which changes no result. */
const NO_CAUSE = 'executor'

function pairs(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Pair[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
  return names.map((name) => ({ name, a: a[name] ?? null, b: b[name] ?? null, same: a[name] === b[name] }))
}

const lookOf = (step: RunDetail['steps'][number] | undefined) =>
  step === undefined ? null : { state: step.state, tookMs: step.started === null || step.ended === null ? null : step.ended - step.started }

/** Two runs side by side. Pure. */
export function compareRuns(a: ComparedRun, b: ComparedRun): RunComparison {
  const names = [...new Set([...a.detail.steps, ...b.detail.steps].map(({ name }) => name))]
  const steps = names.map((name) => {
    const [one, other] = [a, b].map(({ detail }) => detail.steps.find((step) => step.name === name))
    const [before, now] = [a.identities[name], b.identities[name]]
    const outputs = pairs(digestsOf(one), digestsOf(other)).map((output) => ({ ...output, a: output.a as never, b: output.b as never }))
    return { name, a: lookOf(one), b: lookOf(other), differences: before && now ? differences(now, before) : [], outputs }
  })
  const environment = pairs(a.detail.environment, b.detail.environment)
  const ended = [a, b].every(({ detail }) => ENDED.includes(detail.state))
  const first = steps.find(({ outputs }) => outputs.some(({ same }) => !same))
  const { steps: _, metrics: __, environment: ___, seed: ____, ...summaryA } = a.detail
  const { steps: _____, metrics: ______, environment: _______, seed: ________, ...summaryB } = b.detail
  return {
    a: summaryA,
    b: summaryB,
    sameDefinition: a.detail.pipelineDigest === b.detail.pipelineDigest,
    identical: ended ? first === undefined : null,
    parting:
      first === undefined || !ended
        ? null
        : {
            step: first.name,
            outputs: first.outputs.filter(({ same }) => !same).map(({ name }) => name),
            causes: causesOf(first, environment),
          },
    params: pairs(a.params, b.params),
    metrics: pairs(a.metrics, b.metrics),
    environment,
    steps,
  }
}

const digestsOf = (step: RunDetail['steps'][number] | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(step?.outputs ?? {}).flatMap(([name, { digest }]) => (digest === null ? [] : [[name, digest]])))

function causesOf(step: RunComparison['steps'][number], environment: readonly Pair[]): string[] {
  if (step.a === null || step.b === null) return ['only one of the runs has this step']
  for (const [side, { state }] of [
    ['first', step.a],
    ['second', step.b],
  ] as const)
    if (state !== 'succeeded' && state !== 'cached' && state !== 'stopped') return [`in the ${side} run it is ${state}`]
  if (step.differences.length > 0) return [...step.differences]
  const elsewhere = environment.filter(({ name, same }) => !same && name !== NO_CAUSE)
  if (elsewhere.length > 0)
    return elsewhere.map(({ name, a, b }) => `${name} differs (${a ?? 'unknown'} and ${b ?? 'unknown'})`.slice(0, 500))
  return ['nothing that is recorded: with the same code, inputs, parameters and seed the step makes something else each time']
}
