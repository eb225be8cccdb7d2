import { Worker } from 'node:worker_threads'
import type { EpochRecord } from '../../../shared/compute/train.ts'
import { must } from '../../../shared/core/assert.ts'
import { AppError, type ErrorCode } from '../../../shared/core/errors.ts'
import type { Recipe } from '../data/recipe.ts'
import type { SplitExamples } from '../data/split-examples.ts'
import type { TrialData, TrialRunner } from './trial-runner.ts'

type SharedSplit = Omit<SplitExamples, 'transform'>
/** What a thread is started with; functions do not travel. */
export type SharedTrialData = Omit<TrialData, 'train' | 'validation'> & { readonly train: SharedSplit; readonly validation: SharedSplit }
export type ToTrialThread = { readonly id: number; readonly trial: number } & (
  | { readonly kind: 'advance'; readonly recipe: Recipe; readonly epochs: number }
  | { readonly kind: 'drop' }
)
export type FromTrialThread = { readonly id: number } & (
  | { readonly history: readonly EpochRecord[] }
  | { readonly code: ErrorCode; readonly detail: string }
)

type Asked = { resolve(history: readonly EpochRecord[]): void; reject(thrown: unknown): void }

const withoutTransform = ({ transform: _, ...split }: SplitExamples): SharedSplit => split

function openThread(data: TrialData, memoryMb: number) {
  const shared: SharedTrialData = { ...data, train: withoutTransform(data.train), validation: withoutTransform(data.validation) }
  const worker = new Worker(new URL('./trial-thread.ts', import.meta.url), {
    workerData: shared,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  })
  const asked = new Map<number, Asked>()
  let next = 0
  let dead: AppError | undefined
  worker.on('message', (message: FromTrialThread) => {
    const one = asked.get(message.id)
    asked.delete(message.id)
    if ('history' in message) one?.resolve(message.history)
    else one?.reject(new AppError(message.code, message.detail))
  })
  const die = (why: string) => {
    dead ??= new AppError('step_crashed', `a thread that trained trials ended: ${why}`)
    for (const one of asked.values()) one.reject(dead)
    asked.clear()
  }
  worker.on('error', (error) => die(error instanceof Error ? error.message : String(error)))
  worker.on('exit', (code) => die(`code ${code}`))
  return {
    ask: (
      message: Omit<Extract<ToTrialThread, { kind: 'advance' }>, 'id'> | Omit<Extract<ToTrialThread, { kind: 'drop' }>, 'id'>,
    ): Promise<readonly EpochRecord[]> =>
      dead
        ? Promise.reject(dead)
        : new Promise((resolve, reject) => {
            asked.set(++next, { resolve, reject })
            worker.postMessage({ ...message, id: next })
          }),
    end: () => worker.terminate(),
  }
}

/** Trials in threads of their own, which work beside each other; a trial stays with its thread, where its weights are. */
export function createTrialThreads(
  data: TrialData,
  { threads, memoryMb }: { readonly threads: number; readonly memoryMb: number },
): TrialRunner {
  const pool = Array.from({ length: threads }, () => openThread(data, memoryMb))
  const of = (trial: number) => must(pool[trial % threads], 'a thread')
  return {
    advance: (trial, recipe, epochs) => of(trial).ask({ kind: 'advance', trial, recipe, epochs }),
    drop: async (trial) => void (await of(trial).ask({ kind: 'drop', trial })),
    close: async () => void (await Promise.all(pool.map((thread) => thread.end()))),
  }
}
