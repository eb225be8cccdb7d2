import type { Maturity, PipelineSummary } from '../../shared/contract/pipelines.ts'

/** What the records of a pipeline say. */
export type MaturityFacts = {
  readonly steps: PipelineSummary['steps']
  readonly triggers: PipelineSummary['triggers']
  /** Succeeded runs by what started them. */
  readonly succeeded: Readonly<Record<string, number>>
  /** Commits of clean checkouts whose code has run to the end. */
  readonly commits: readonly string[]
  readonly rollout: boolean
  /** Of each of the last runs that new data started and that succeeded: from the data's arrival to the end, milliseconds. */
  readonly newDataToNewModel: readonly number[]
}

const AUTOMATIC = ['schedule', 'new-data', 'degradation', 'drift']

type Check = Maturity['checks'][number]

/** How far a pipeline works by itself, from records alone: level 1 where every check of level 1 holds, level 2 where all do. */
export function maturityOf(facts: MaturityFacts): Maturity {
  const { steps, triggers, succeeded, commits, rollout } = facts
  const has = (component: string): boolean => steps.some((step) => step.component === component)
  const step = (component: string, what: string): Check => ({
    level: 1,
    what,
    holds: has(component),
    why: has(component) ? `step ${steps.find((one) => one.component === component)?.name}` : `no step of component ${component}`,
  })
  const on = triggers.filter(({ kind, enabled }) => enabled && AUTOMATIC.includes(kind)).map(({ kind }) => kind)
  const watching = on.filter((kind) => kind === 'drift' || kind === 'degradation')
  const started = AUTOMATIC.filter((kind) => (succeeded[kind] ?? 0) > 0)
  const checks: Check[] = [
    {
      level: 1,
      what: 'starts without a hand',
      holds: on.length > 0,
      why: on.length > 0 ? `on are ${on.join(', ')}` : 'no automatic trigger is on',
    },
    {
      level: 1,
      what: 'has done so, to the end',
      holds: started.length > 0,
      why:
        started.length > 0
          ? started.map((kind) => `${succeeded[kind]} by ${kind}`).join(', ')
          : 'no run that a trigger started has succeeded yet',
    },
    step('validate-data', 'validates its data before training'),
    step('validate-model', 'validates the model before it is released'),
    step('release', 'releases what passed'),
    {
      level: 2,
      what: 'monitoring starts it again',
      holds: watching.length > 0,
      why: watching.length > 0 ? `on are ${watching.join(', ')}` : 'neither drift nor degradation is on',
    },
    {
      level: 2,
      what: 'tries a version on a part of the devices first',
      holds: rollout,
      why: rollout ? 'the model has had rollouts' : 'the model has had no rollout yet',
    },
    {
      level: 2,
      what: 'its own code is delivered from source control',
      holds: commits.length >= 2,
      why:
        commits.length >= 2
          ? `${commits.length} commits have run to the end`
          : commits.length === 1
            ? 'one commit has run to the end, no later one yet'
            : 'no run names the commit of an unchanged checkout',
    },
  ]
  const reached = (level: number): boolean => checks.every((check) => check.level > level || check.holds)
  return { level: reached(2) ? 2 : reached(1) ? 1 : 0, checks, newDataToNewModelMs: median(facts.newDataToNewModel) }
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}
