import type { EpochRecord } from '../../../shared/compute/train.ts'
import type { TrialRecord } from '../../../shared/contract/trials.ts'
import { must } from '../../../shared/core/assert.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import type { Recipe } from '../data/recipe.ts'
import type { Trials } from '../data/trials.ts'
import { applyPoint } from './apply-point.ts'
import { createStudy, type Job, type JobResult, type StudyOptions, type Trial } from './study.ts'
import type { TrialRunner } from './trial-runner.ts'

export type Objective = Trials['objective']
export type FoundTrial = Trials['trials'][number]

export type SearchOptions = {
  readonly study: StudyOptions
  readonly base: Recipe
  readonly objective: Objective
  readonly parallel: number
  readonly runner: TrialRunner
  /** What an earlier attempt has recorded, by number. */
  readonly known: ReadonlyMap<number, TrialRecord>
  readonly signal: AbortSignal
  /** Resolves when the record is durable. */
  record(number: number, record: TrialRecord): Promise<void>
  /** A trial has come to a rung, or failed; `started` are begun so far. */
  onTrial(trial: FoundTrial, started: number): void
}

/** The epoch that counts: the last one, or where a recipe goes back to its best epoch, that one. */
function resultOf(
  history: readonly EpochRecord[],
  recipe: Recipe,
  objective: Objective,
): { score: number; metrics: Record<string, number> } {
  const last = must(history.at(-1), 'an epoch')
  const counted =
    recipe.stopEarly === undefined
      ? last
      : history.reduce((best, epoch) => ((epoch.validationLoss ?? 0) < (best.validationLoss ?? 0) ? epoch : best))
  const { loss, accuracy, validationLoss, validationAccuracy } = counted
  const score = objective === 'accuracy' ? (validationAccuracy ?? Number.NaN) : -(validationLoss ?? Number.NaN)
  const metrics = Object.entries({ loss, accuracy, validationLoss, validationAccuracy }).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  )
  return { score, metrics: Object.fromEntries(metrics) }
}

/** Runs a search to its end: lots of trials beside each other, each recorded as soon as it is told of. What was recorded before is taken as it is. */
export async function runSearch(options: SearchOptions): Promise<Omit<Trials, 'objective'>> {
  const { base, objective, parallel, runner, known, signal } = options
  const study = createStudy(options.study)
  const records = new Map<number, TrialRecord>(known)
  const recipes = new Map<number, Recipe>()

  const recordOf = (trial: Trial): TrialRecord => ({
    params: { ...trial.point },
    state: trial.state,
    rungs: (records.get(trial.number)?.rungs ?? []).slice(0, trial.scores.length),
    error: trial.error ?? null,
  })
  const found = (trial: Trial): FoundTrial => ({
    number: trial.number,
    params: trial.point as FoundTrial['params'],
    state: trial.state === 'running' ? 'pruned' : trial.state,
    score: trial.scores.at(-1) ?? null,
    epochs: records.get(trial.number)?.rungs.at(trial.scores.length - 1)?.epochs ?? 0,
    error: trial.error ?? null,
  })

  /** Result and metrics of one job: from the record, or by training. */
  async function work({ number, point, rung, epochs }: Job): Promise<{ result: JobResult; fresh: boolean }> {
    const before = records.get(number)
    const told = before?.rungs[rung]
    if (told !== undefined) return { result: { score: told.score }, fresh: false }
    if (before?.state === 'failed' && before.error !== null) return { result: { error: before.error }, fresh: false }
    try {
      const recipe = recipes.get(number) ?? applyPoint(base, point)
      recipes.set(number, recipe)
      const { score, metrics } = resultOf(await runner.advance(number, recipe, epochs), recipe, objective)
      if (!Number.isFinite(score)) return { result: { error: `its ${objective} was ${score}` }, fresh: true }
      const rungs = [...(before?.rungs ?? []), { epochs, score, metrics }]
      records.set(number, { params: { ...point }, state: 'running', rungs, error: null })
      return { result: { score }, fresh: true }
    } catch (thrown) {
      if (signal.aborted) throw thrown
      const { code, detail } = toAppError(thrown)
      // the machinery's own failures are not the trial's
      if (code === 'step_crashed' || code === 'aborted') throw thrown
      return { result: { error: `${code}: ${detail}`.slice(0, 2000) }, fresh: true }
    }
  }

  for (let jobs = study.ask(parallel); jobs.length > 0; jobs = study.ask(parallel)) {
    const lot = await Promise.all(jobs.map(work))
    for (const [i, job] of jobs.entries()) {
      const { result, fresh } = must(lot[i], 'a result')
      const trial = study.tell(job, result)
      if (fresh) {
        await options.record(job.number, recordOf(trial))
        options.onTrial(found(trial), study.trials.length)
      }
    }
  }
  for (const trial of study.trials.filter(({ state }) => state === 'pruned')) {
    await runner.drop(trial.number)
    if (known.get(trial.number)?.state !== 'pruned') await options.record(trial.number, recordOf(trial))
  }
  return { trials: study.trials.map(found), best: study.best()?.number ?? 0 }
}
