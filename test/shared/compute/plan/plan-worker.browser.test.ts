import { expect, test } from 'vitest'
import type { TrainResult } from '../../../../shared/compute/train.ts'
import { trainedByPlan } from './trained-by-plan.ts'

test('[CMP-29] a plan trains in a worker of a browser, to the bits that the page gets', async () => {
  const worker = new Worker(new URL('./plan-worker.ts', import.meta.url), { type: 'module' })
  try {
    const answer = new Promise<TrainResult>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data as TrainResult)
      worker.onerror = (event) => reject(new Error(event.message))
    })
    const [inWorker, inPage] = [await answer, await trainedByPlan()]
    expect(inWorker.engine).toEqual({ kind: 'plan', reason: 'relaxed kernels' })
    expect(inWorker.history.at(-1)?.validationAccuracy).toBeGreaterThan(0.95)
    expect(inWorker.weights).toEqual(inPage.weights)
  } finally {
    worker.terminate()
  }
})
