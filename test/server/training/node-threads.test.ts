import { expect, test } from 'vitest'
import { nodeThreads } from '../../../server/training/node-threads.ts'
import { cnn } from '../../../shared/compute/architectures.ts'
import type { OptimizerOptions } from '../../../shared/compute/optimizers.ts'
import type { CrewSetup } from '../../../shared/compute/plan/crew.ts'
import type { TrainOptions, TrainResult } from '../../../shared/compute/train.ts'
import type { TrainingCheckpoint } from '../../../shared/compute/training-checkpoint.ts'
import type { ServingThread, TrainingThreads } from '../../../shared/compute/training-threads.ts'
import { must } from '../../../shared/core/assert.ts'
import { trainedByPlan } from '../../shared/compute/plan/trained-by-plan.ts'
import { quarters } from '../../shared/compute/shapes-data.ts'

/** Layers that share out unevenly. */
const topology = cnn({ inputShape: [8, 8, 1], classes: 4, blocks: [{ filters: 19, kernel: 3, pool: 2 }], hidden: [200], dropout: 0.2 })

const trained = (threads: TrainingThreads, more: Partial<TrainOptions> = {}): Promise<TrainResult> =>
  trainedByPlan({
    topology,
    ...quarters(101, 3),
    validation: quarters(40, 5),
    epochs: 2,
    learningRate: { kind: 'constant', rate: 0.05 },
    threads,
    ...more,
  })

/** Node's threads, each of them kept. */
function keptThreads(count: number) {
  const started: ServingThread[] = []
  const { start: begin } = nodeThreads(count)
  const keep = (setup: CrewSetup, part: number): ServingThread => {
    const thread = begin(setup, part)
    started.push(thread)
    return thread
  }
  return { started, threads: { count, start: keep } }
}

test.each<[string, OptimizerOptions, Partial<TrainOptions>]>([
  ['SGD', { kind: 'sgd' }, {}],
  [
    'Adam with clipping, a proximal term and class weights',
    { kind: 'adam', weightDecay: 0.01 },
    { clipNorm: 0.5, proximal: 0.1, classWeights: [1, 2, 0.5, 1] },
  ],
])('[CMP-27] %s on several threads of a process: the bits of one thread', async (_, optimizer, more) => {
  const told = ({ weights, history }: TrainResult) => ({
    weights,
    history: history.map(({ seconds: _s, ...epoch }) => epoch),
  })
  const one = await trained(nodeThreads(1), { optimizer, ...more })
  expect(one.engine).toEqual({ kind: 'plan', reason: 'relaxed kernels' })
  for (const count of [2, 3]) {
    const several = await trained(nodeThreads(count), { optimizer, ...more })
    expect(several.engine).toEqual({ kind: 'plan', reason: `relaxed kernels on ${count} threads` })
    expect(told(several)).toEqual(told(one))
  }
})

test('[CMP-27] a checkpoint goes on to the same bits on another number of threads', async () => {
  const saved: TrainingCheckpoint[] = []
  const whole = await trained(nodeThreads(2), {
    checkpoint: { every: 5, save: async (checkpoint) => void saved.push(structuredClone(checkpoint)) },
  })
  for (const count of [1, 3]) {
    const rest = await trained(nodeThreads(count), { resume: must(saved[0], 'a checkpoint') })
    expect(rest.weights).toEqual(whole.weights)
  }
})

test('[CMP-121] threads end with the training', async () => {
  const { started, threads } = keptThreads(3)
  await trained(threads)
  expect(started).toHaveLength(2)
  await Promise.all(started.map(({ ended }) => ended))
})

test('[CMP-121] threads that cannot start leave training on one, which says why', async () => {
  const { started, threads } = keptThreads(2)
  const small = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const broken: TrainingThreads = { count: 2, start: (setup, part) => threads.start({ ...setup, memory: small }, part) }
  const { weights, engine } = await trained(broken)
  expect(engine?.reason).toMatch(/^relaxed kernels, on one thread: .+/)
  expect(weights).toEqual((await trained(nodeThreads(1))).weights)
  await must(started[0], 'a thread').ended
})

test('[CMP-121] tfjs trains on one thread, which the reason says', async () => {
  const { engine } = await trained(nodeThreads(2), { engineChoice: 'tfjs', epochs: 1 })
  expect(engine).toEqual({ kind: 'tfjs', reason: expect.stringMatching(/as asked.*on one thread/) })
})

test('[CMP-121] a thread that dies between two steps leaves the rest to the others, to the same bits', async () => {
  const { started, threads } = keptThreads(2)
  const betweenSteps = async (): Promise<void> => {
    const thread = must(started[0], 'a thread')
    thread.end()
    await thread.ended
  }
  const { weights } = await trained(threads, { betweenSteps })
  expect(weights).toEqual((await trained(nodeThreads(1))).weights)
})

test('[CMP-121] a thread that fails within a step ends the training', async () => {
  const { started, threads } = keptThreads(2)
  const empty = new WebAssembly.Module(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
  const broken: TrainingThreads = {
    count: 2,
    start: (setup, part) => threads.start({ ...setup, kernels: { ...setup.kernels, module: empty } }, part),
  }
  await expect(trained(broken)).rejects.toMatchObject({ code: 'worker_died', detail: expect.stringContaining('failed') })
  await must(started[0], 'a thread').ended
})

test('[CMP-121] a thread that does not answer ends the training', async () => {
  const silent: ServingThread = { ready: Promise.resolve(), ended: new Promise(() => {}), end() {} }
  const threads: TrainingThreads = { count: 2, patienceMs: 50, start: () => silent }
  await expect(trained(threads)).rejects.toMatchObject({
    code: 'worker_died',
    detail: expect.stringContaining('did not answer for 50 ms'),
  })
})
