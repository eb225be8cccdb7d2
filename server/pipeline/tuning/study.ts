import { must } from '../../../shared/core/assert.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'
import { type HalvingOptions, promotableLast, promotableSoon, rungsOf } from './halving.ts'
import { type Point, randomPoint, type SearchSpace } from './search-space.ts'
import { suggestTpe, type TpeOptions } from './tpe.ts'

export type Sampler = { readonly kind: 'random' } | ({ readonly kind: 'tpe' } & TpeOptions)

export type StudyOptions = {
  readonly space: SearchSpace
  readonly trials: number
  readonly sampler: Sampler
  /** Null: every trial runs to its end. */
  readonly halving: Omit<HalvingOptions, 'most'> | null
  /** Epochs of a whole trial. */
  readonly epochs: number
  /** The search ends once so many trials in a row have not been better than the best before; null to try them all. */
  readonly patience: number | null
  readonly seed: number
}

/** `running` ones wait at a rung, and are `pruned` once the search has ended. */
export type TrialState = 'running' | 'complete' | 'pruned' | 'failed'
export type Trial = {
  readonly number: number
  readonly point: Point
  readonly state: TrialState
  /** The greater the better, at each rung. */
  readonly scores: readonly number[]
  readonly error?: string
}

/** Train trial `number` until it has had `epochs` epochs in all. */
export type Job = { readonly number: number; readonly point: Point; readonly epochs: number; readonly rung: number }
export type JobResult = { readonly score: number } | { readonly error: string }

/**
 * A search for the best point. Which jobs it asks for follows from its options and the results so far alone: jobs are asked for in lots and told in the same order, however long
 * each took, so that a search is repeatable also where trials run beside each other, and one that was killed goes on where it was by being told again what is known.
 */
export function createStudy(options: StudyOptions) {
  const { space, sampler, halving, epochs } = options
  const rungs = halving === null ? [epochs] : rungsOf({ ...halving, most: epochs })
  const trials: Trial[] = []
  const busy = new Set<number>()

  const scored = (): Trial[] => trials.filter(({ scores }) => scores.length > 0)
  /** Best first: what has come further is known better, and came further because it was better. Failed ones last. */
  const ranking = (): Trial[] =>
    trials
      .filter(({ scores, state }) => scores.length > 0 || state === 'failed')
      .sort((a, b) => b.scores.length - a.scores.length || (b.scores.at(-1) ?? 0) - (a.scores.at(-1) ?? 0) || a.number - b.number)
  const best = (): Trial | undefined => ranking().find(({ state, scores }) => state !== 'failed' && scores.length > 0)

  /** Each trial draws from a stream of its own, so that it does not matter what was drawn for others. */
  const randomOf = (number: number): Random => seededRandom((Math.imul(options.seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) | 0)
  const suggest = (number: number): Point =>
    sampler.kind === 'random'
      ? randomPoint(space, randomOf(number))
      : suggestTpe(
          space,
          ranking().map(({ point }) => point),
          randomOf(number),
          sampler,
        )

  const outOfPatience = (): boolean => {
    const leader = best()
    return options.patience !== null && leader !== undefined && scored().length - 1 - leader.number >= options.patience
  }

  function nextJob(): Job | undefined {
    const climbers = trials.filter(({ state }) => state === 'running' || state === 'complete')
    const left = outOfPatience() ? 0 : options.trials - trials.length
    const promoted =
      halving === null
        ? undefined
        : halving.kind === 'asha'
          ? promotableSoon(climbers, busy, rungs.length, halving.reduction)
          : promotableLast(climbers, busy, rungs.length, halving.reduction, left)
    if (promoted !== undefined) {
      const { point, scores } = must(trials[promoted], 'the trial')
      return { number: promoted, point, rung: scores.length, epochs: must(rungs[scores.length], 'a rung') }
    }
    if (left <= 0) return undefined
    const number = trials.length
    const point = suggest(number)
    trials.push({ number, point, state: 'running', scores: [] })
    return { number, point, rung: 0, epochs: must(rungs[0], 'a rung') }
  }

  return {
    trials: trials as readonly Trial[],
    best,
    /** The next lot, of `most` jobs at the most; empty once the search has ended. Every job of a lot is to be told before the next. */
    ask(most: number): Job[] {
      const jobs: Job[] = []
      while (jobs.length < most) {
        const job = nextJob()
        if (job === undefined) break
        busy.add(job.number)
        jobs.push(job)
      }
      if (jobs.length === 0)
        for (const [i, trial] of trials.entries()) if (trial.state === 'running') trials[i] = { ...trial, state: 'pruned' }
      return jobs
    },
    tell({ number, rung }: Job, result: JobResult): Trial {
      const trial = must(trials[number], 'the trial')
      busy.delete(number)
      const told: Trial =
        'error' in result
          ? { ...trial, state: 'failed', error: result.error }
          : { ...trial, scores: [...trial.scores, result.score], state: rung === rungs.length - 1 ? 'complete' : 'running' }
      trials[number] = told
      return told
    },
  }
}
export type Study = ReturnType<typeof createStudy>
