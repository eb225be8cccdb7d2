import { expect, test, vi } from 'vitest'
import { createPausing } from '../../../../client/sdk/training/pausing.ts'
import { workerTrainer } from '../../../../client/sdk/training/worker-trainer.ts'
import { systemClock } from '../../../../shared/core/clock.ts'
import type { WorkerLike } from '../../../../shared/worker/connect-worker.ts'
import { serveWorker } from '../../../../shared/worker/serve-worker.ts'
import { TRAINING_PROTOCOL, type TrainRequest } from '../../../../shared/worker/training-api.ts'
import { createTrainingService } from '../../../../shared/worker/training-service.ts'
import { wasmPath } from '../../../shared/compute/node-backend.ts'
import { makeModel } from '../../../workers/small-model.ts'

const PLAN = { epochs: 60, batchSize: 4, learningRate: 0.1, seed: 1, clipNorm: 1, maxExamples: 100 }

async function request(): Promise<TrainRequest> {
  const { manifest, tensors } = await makeModel()
  const examples = Array.from({ length: 60 }, (_, i) => ({
    input: Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + i * 11) % 256),
    label: ['a', 'b', 'c', 'd'][i % 4] ?? '',
  }))
  return { manifest, tensors, plan: PLAN, examples }
}

/**
 * Real training services on the other sides of real message channels. Each dies after so many looks at its state; or `once kept`: at the look after the one
 * that told a checkpoint. Such a one rests after some steps, so that it never ends before it dies.
 */
function mortal(lives: readonly (number | 'once kept')[]) {
  const resumedAt: number[] = []
  const spawn = (): WorkerLike => {
    const { port1, port2 } = new MessageChannel()
    const crashes = new Set<(event: { message: string }) => void>()
    const life = lives[resumedAt.length] ?? Number.POSITIVE_INFINITY
    let looks = life === 'once kept' ? Number.POSITIVE_INFINITY : life
    let time = 0
    let running: number | undefined
    // a checkpoint at each second step, and news at once: a plan has ended before a real beat is over
    const clock = {
      ...systemClock,
      monotonic() {
        if (life === 'once kept' && running !== undefined && time >= 20_000) void service.pause(running)
        return (time += 1000)
      },
      sleep: (_: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
    }
    const service = createTrainingService({ wasmPath, clock })
    const api = {
      ...service,
      async begin(asked: TrainRequest) {
        resumedAt.push(asked.resume?.done ?? 0)
        running = await service.begin(asked)
        return running
      },
      async next(job: number) {
        const state = await service.next(job)
        if (looks-- <= 0) for (const crash of crashes) crash({ message: 'out of memory' })
        if (life === 'once kept' && !state.done && state.checkpoint) looks = 0
        return state
      },
    }
    serveWorker(api, { protocol: TRAINING_PROTOCOL, endpoint: port2 as never })
    return {
      postMessage: (message: unknown, transfer: never[] = []) => port1.postMessage(message, transfer),
      addEventListener: (type: string, listener: never) =>
        type === 'error' ? void crashes.add(listener) : port1.addEventListener(type, listener),
      removeEventListener: (type: string, listener: never) => port1.removeEventListener(type, listener),
      start: () => port1.start(),
      terminate: () => {
        port1.close()
        port2.close()
      },
    } as unknown as WorkerLike
  }
  return { spawn, resumedAt }
}
const options = { signal: new AbortController().signal, onProgress: () => undefined }

test('[DEV-63] a training worker that dies is replaced, and training goes on from its last checkpoint to the same bits', async () => {
  const healthy = mortal([])
  const whole = await workerTrainer({ ...healthy, clock: systemClock }).train(await request(), options)
  expect(healthy.resumedAt).toEqual([0])
  const dying = mortal(['once kept'])
  const update = await workerTrainer({ ...dying, clock: systemClock }).train(await request(), options)
  expect(dying.resumedAt.length).toBe(2)
  expect(dying.resumedAt[1]).toBeGreaterThan(0)
  expect(update.body).toEqual(whole.body)
})

test('[DEV-63] a worker that keeps dying is given up with its code', async () => {
  const hopeless = mortal([0, 0, 0, 0, 0, 0])
  await expect(workerTrainer({ ...hopeless, clock: systemClock }).train(await request(), options)).rejects.toMatchObject({
    code: 'worker_died',
  })
  expect(hopeless.resumedAt.length).toBe(4)
})

test('[DEV-64] training that is paused rests in whichever worker it is, and goes on to the same bits', async () => {
  const whole = await workerTrainer({ ...mortal([]), clock: systemClock }).train(await request(), options)
  const pausing = createPausing()
  await pausing.set(true)
  const dying = mortal([1])
  let steps = 0
  const onProgress = ({ done }: { done: number }) => void (steps = done)
  const training = workerTrainer({ ...dying, clock: systemClock }).train(await request(), { ...options, onProgress, pausing })
  await vi.waitFor(() => expect(dying.resumedAt.length).toBe(2), 10_000)
  expect(steps).toBe(0)
  await pausing.set(false)
  expect((await training).body).toEqual(whole.body)
  expect(steps).toBeGreaterThan(0)
})
