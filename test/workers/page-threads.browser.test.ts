import { expect, test } from 'vitest'
import { threadsFor } from '../../shared/compute/training-threads.ts'
import type { TrainResult } from '../../shared/compute/train.ts'

function trainedOn(threads: number): Promise<Pick<TrainResult, 'weights' | 'engine'>> {
  const worker = new Worker(new URL('./threaded-training.ts', import.meta.url), { type: 'module' })
  return new Promise<Pick<TrainResult, 'weights' | 'engine'>>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data as TrainResult)
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage(threads)
  }).finally(() => worker.terminate())
}

test('[DEV-67] in an isolated page a training worker takes workers of its own, to the bits of one thread', async () => {
  expect(crossOriginIsolated).toBe(true)
  const [one, two, three] = [await trainedOn(1), await trainedOn(2), await trainedOn(3)]
  expect(one.engine).toEqual({ kind: 'plan', reason: 'relaxed kernels' })
  expect(two.engine).toEqual({ kind: 'plan', reason: 'relaxed kernels on 2 threads' })
  expect(three.engine).toEqual({ kind: 'plan', reason: 'relaxed kernels on 3 threads' })
  expect(two.weights).toEqual(one.weights)
  expect(three.weights).toEqual(one.weights)
})

test('[DEV-67] a device trains on two threads where they share memory and leave a core for the page, else on one', () => {
  const counts = [1, 2, 3, 8].map((cores) => [threadsFor({ isolated: true, cores }), threadsFor({ isolated: false, cores })])
  expect(counts).toEqual([
    [1, 1],
    [1, 1],
    [2, 1],
    [2, 1],
  ])
})
