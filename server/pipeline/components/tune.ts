import * as z from 'zod'
import { AppError, toAppError } from '../../../shared/core/errors.ts'
import { defineComponent } from '../component.ts'
import { answersWithNumber, preparation } from '../data/example-form.ts'
import { recipe } from '../data/recipe.ts'
import { loadSplit } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import type { Trials } from '../data/trials.ts'
import { recordedTrials } from '../tuning/recorded-trials.ts'
import { runSearch } from '../tuning/run-search.ts'
import { searchSpace } from '../tuning/search-space.ts'
import { createTrialRunner } from '../tuning/trial-runner.ts'
import { createTrialThreads } from '../tuning/trial-threads.ts'

const params = z.strictObject({
  /** What is not searched. Its epochs are those of a whole trial. */
  recipe,
  space: searchSpace,
  trials: z.int().min(1).max(1000),
  /** Rows of a trial: enough to tell better from worse. */
  rows: z.int().min(1).default(5000),
  sampler: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('random') }),
      z.strictObject({ kind: z.literal('tpe'), startup: z.int().min(1).default(10), candidates: z.int().min(1).default(24) }),
    ])
    .default({ kind: 'tpe', startup: 10, candidates: 24 }),
  /** Ends bad trials early, at rungs of `least`, `least * reduction` ... epochs; null lets each come to its end. */
  halving: z
    .strictObject({
      kind: z.enum(['halving', 'asha']).default('asha'),
      reduction: z.int().min(2).default(3),
      least: z.int().min(1).default(1),
    })
    .nullable()
    .default(null),
  /** What is sought on the validation split: the greatest accuracy (of a classifier, unless said otherwise) or the least loss. */
  objective: z.enum(['accuracy', 'loss']).optional(),
  /** Trials beside each other, each in a thread of its own. The search is repeatable whatever it is, but another one for another number. */
  parallel: z.int().min(1).max(16).default(1),
  /** Ends the search once so many trials in a row were no better. */
  patience: z.int().min(1).nullable().default(null),
  memoryMbPerThread: z.int().min(128).default(1024),
})

/** Searches the recipe that does best on the validation split. Every trial is recorded as it goes; a search that was killed repeats no finished trial. */
export const tune = defineComponent({
  name: 'tune',
  version: '3',
  module: import.meta.url,
  inputs: { train: 'split', validation: 'split', transforms: 'transforms' },
  outputs: { trials: 'trials' },
  params,
  limits: { timeoutMs: 4 * 60 * 60 * 1000 },
  async run({ run, step, inputs, params: given, seed, api, signal, blobs, folder, log, logMetrics, progress }) {
    const { recipe: base, space, trials: count, rows, parallel } = given
    const prepared = await inputs.transforms.json(preparation)
    const objective = given.objective ?? (answersWithNumber(prepared) ? 'loss' : 'accuracy')
    if (objective === 'accuracy' && answersWithNumber(prepared))
      throw new AppError('invalid_input', 'a regression has no accuracy: choose the objective loss')
    const train = await loadSplit(inputs.train.path, prepared, folder, { rows })
    const validation = await loadSplit(inputs.validation.path, prepared, folder, { rows })
    const data = { prepared, train, validation, seed }
    if (parallel === 1) await startStepBackend()
    const runner =
      parallel === 1 ? createTrialRunner(data) : createTrialThreads(data, { threads: parallel, memoryMb: given.memoryMbPerThread })
    const known = await recordedTrials(api, run, step, signal)
    if (known.size > 0) log.info(`${known.size} trials were recorded before this attempt`)
    try {
      const found = await runSearch({
        study: {
          space,
          trials: count,
          sampler: given.sampler,
          halving: given.halving,
          epochs: base.epochs,
          patience: given.patience,
          seed,
        },
        base,
        objective,
        parallel,
        runner,
        known,
        signal,
        record: async (number, record) =>
          void (await api('trials.record', { params: { run, step, number: String(number) }, body: record }, { signal })),
        onTrial: (trial, started) => {
          if (trial.score !== null)
            logMetrics({ [`trial ${objective}`]: objective === 'loss' ? -trial.score : trial.score }, trial.number + 1)
          progress(started, count, `trial ${trial.number + 1} of ${count}`)
          log[trial.state === 'failed' ? 'warn' : 'info'](
            `trial ${trial.number + 1}: ${trial.state === 'failed' ? `failed, ${trial.error}` : `${objective} ${(objective === 'loss' ? -(trial.score ?? 0) : (trial.score ?? 0)).toFixed(4)} after ${trial.epochs} epochs`} with ${JSON.stringify(trial.params)}`,
          )
        },
      })
      const best = found.trials[found.best]
      if (best === undefined || best.score === null)
        throw new AppError('step_failed', `all ${found.trials.length} trials failed, the first of them so: ${found.trials[0]?.error}`)
      log.info(`the best of ${found.trials.length} is trial ${best.number + 1}: ${JSON.stringify(best.params)}`)
      const states = (state: string) => found.trials.filter((one) => one.state === state).length
      return {
        outputs: {
          trials: await blobs.json({ objective, ...found } satisfies Trials, {
            properties: {
              trials: found.trials.length,
              score: best.score,
              complete: states('complete'),
              pruned: states('pruned'),
              failed: states('failed'),
            },
          }),
        },
      }
    } catch (thrown) {
      throw signal.aborted ? new AppError('aborted', 'tuning was aborted') : toAppError(thrown)
    } finally {
      await runner.close()
    }
  },
})
