import type { RunComparison, RunDetail, StepSummary } from '../../shared/contract/pipelines.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { type ExecutionRow, metadataStore } from '../metadata/metadata-store.ts'
import { shownOf } from '../metadata/run-value.ts'
import { runValuesStore } from '../metadata/run-values-store.ts'
import type { Db } from '../storage/database.ts'
import { compareRuns, type ComparedRun } from './compare-runs.ts'
import { ENVIRONMENT_TAGS } from './environment.ts'
import type { MaturityFacts } from './maturity.ts'
import type { Pipeline } from './pipeline.ts'
import type { StepState } from './planner.ts'
import { type RunRow, runStore, runSummaryOf, type RunTrigger } from './run-store.ts'
import type { StepIdentity } from './step-cache.ts'
import { stepSummaryOf } from './step-summary.ts'

export type RunRecordsOptions = {
  readonly db: Db
  /** When spans came to a data set, oldest first; epoch milliseconds. */
  readonly arrivals: (dataset: string) => Promise<number[]>
}

/** Runs that a pipeline's history is told from. */
const HISTORY = 200
/** Runs that the time from new data to a new model is told from. */
const TIMED = 10

/** What the records say of runs: one, two beside each other, and all of a pipeline. */
export function createRunRecords({ db, arrivals }: RunRecordsOptions) {
  const runs = runStore(db)
  const metadata = metadataStore(db)
  const values = runValuesStore(db)

  async function detail(row: RunRow): Promise<RunDetail> {
    const steps = await runs.steps(row.id)
    const ids = steps.map((step) => step.id)
    const [inputs, outputs] = [await metadata.attached(ids, 'input'), await metadata.attached(ids, 'output')]
    const metrics = outputs
      .filter(({ artifact }) => artifact.type === 'metrics')
      .flatMap(({ artifact }) => Object.entries(artifact.properties).filter(([, value]) => typeof value === 'number'))
    const of = (all: typeof inputs, step: ExecutionRow) =>
      Object.fromEntries(all.filter(({ execution }) => execution === step.id).map(({ path, artifact }) => [path, artifact]))
    const tags = Object.fromEntries(
      (await values.texts([row.seq])).flatMap(({ kind, name, value }) => (kind === 'tag' ? [[name, value]] : [])),
    )
    return {
      ...runSummaryOf(row),
      seed: row.seed,
      steps: steps.map((step) => stepSummaryOf(step, of(inputs, step), of(outputs, step))),
      metrics: Object.fromEntries(metrics) as Record<string, number>,
      environment: Object.fromEntries(ENVIRONMENT_TAGS.flatMap((name) => (tags[name] === undefined ? [] : [[name, tags[name]]]))),
    }
  }

  async function compared(row: RunRow): Promise<ComparedRun> {
    const steps = await runs.steps(row.id)
    const texts = (await values.texts([row.seq])).flatMap(({ kind, name, value }) => (kind === 'param' ? [[name, value]] : []))
    const latest = await values.latest([row.seq])
    const names = new Map(latest.length === 0 ? [] : (await values.names('metric')).map(({ id, name }) => [id, name]))
    return {
      detail: await detail(row),
      params: Object.fromEntries(texts) as Record<string, string>,
      metrics: Object.fromEntries(latest.map(({ name, value }) => [names.get(name) ?? String(name), String(shownOf(value))])),
      identities: Object.fromEntries(
        steps.flatMap((step) => (step.identity === null ? [] : [[step.step, JSON.parse(step.identity) as StepIdentity]])),
      ),
    }
  }

  return {
    detail,

    compare: async (a: RunRow, b: RunRow): Promise<RunComparison> => compareRuns(await compared(a), await compared(b)),

    /** What a pipeline's maturity is read from. */
    async history(pipeline: Pipeline): Promise<Pick<MaturityFacts, 'succeeded' | 'commits' | 'newDataToNewModel'>> {
      const rows = await runs.page({ pipeline: pipeline.name, state: 'succeeded', limit: HISTORY })
      const kinds = rows.map((row) => (JSON.parse(row.trigger) as RunTrigger).kind)
      const succeeded: Record<string, number> = {}
      for (const kind of kinds) succeeded[kind] = (succeeded[kind] ?? 0) + 1
      const tags = new Map<number, Record<string, string>>()
      for (const { run, kind, name, value } of rows.length === 0 ? [] : await values.texts(rows.map(({ seq }) => seq)))
        if (kind === 'tag') tags.set(run, { ...tags.get(run), [name]: value })
      const clean = [...tags.values()].filter((tag) => tag['code.changed'] === 'false').flatMap((tag) => tag['code.commit'] ?? [])
      const came = await arrivals(pipeline.dataset)
      const fresh = rows.filter((_, i) => kinds[i] === 'new-data').slice(0, TIMED)
      return {
        succeeded,
        commits: [...new Set(clean)],
        newDataToNewModel: fresh.flatMap((row) => {
          // examples that people share have come when the trigger has counted enough of them
          const arrival = came.findLast((at) => at <= row.created) ?? row.created
          return row.ended === null ? [] : [row.ended - arrival]
        }),
      }
    },
  }
}
