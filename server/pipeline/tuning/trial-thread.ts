import { parentPort, workerData } from 'node:worker_threads'
import { must } from '../../../shared/core/assert.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import { transformOf } from '../data/split-examples.ts'
import { startStepBackend } from '../data/step-backend.ts'
import type { FromTrialThread, SharedTrialData, ToTrialThread } from './trial-threads.ts'
import { createTrialRunner } from './trial-runner.ts'

/** A thread that trains trials, for the thread that searches. */
const port = must(parentPort, 'a thread that started this one')
const { prepared, train, validation, seed } = workerData as SharedTrialData
const transform = transformOf(prepared)
const starting = startStepBackend()
const runner = createTrialRunner({ prepared, train: { ...train, transform }, validation: { ...validation, transform }, seed })

const answer = (message: FromTrialThread): void => port.postMessage(message)

port.on('message', (message: ToTrialThread) => {
  const { id, trial } = message
  const work = async () => {
    await starting
    if (message.kind === 'drop') await runner.drop(trial)
    return message.kind === 'advance' ? runner.advance(trial, message.recipe, message.epochs) : []
  }
  work().then(
    (history) => answer({ id, history }),
    (thrown: unknown) => {
      const { code, detail } = toAppError(thrown)
      answer({ id, code, detail })
    },
  )
})
