import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { linear, mlp } from '../../../shared/compute/architectures.ts'
import { memoryInUse, useBackend } from '../../../shared/compute/backends.ts'
import { recurrent } from '../../../shared/compute/recurrent.ts'
import { loadRuntime } from '../../../shared/compute/load-runtime.ts'
import { type TrainOptions, trainModel } from '../../../shared/compute/train.ts'
import { must } from '../../../shared/core/assert.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import { start, wasmPath } from './node-backend.ts'

beforeAll(async () => {
  await start('wasm')
})
beforeEach(() => useBackend('wasm'))

/** Whether token 1 comes before token 2: what no bag of words can tell. */
function orders(count: number, seed: number): Pick<TrainOptions, 'examples' | 'labels'> {
  const random = seededRandom(seed)
  const data = Float32Array.from({ length: count * 6 }, () => 3 + random.integer(5))
  const labels = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const a = random.integer(5)
    const b = a + 1 + random.integer(5 - a)
    const first = random.uniform() < 0.5
    data[i * 6 + a] = first ? 1 : 2
    data[i * 6 + b] = first ? 2 : 1
    labels[i] = first ? 1 : 0
  }
  return { examples: { data, shape: [count, 6] }, labels }
}

describe('trainers', () => {
  test.each(['gru', 'lstm'] as const)(
    '[CMP-100] a recurrent network (%s) learns the order of tokens, repeatably, and answers alike when loaded',
    async (cell) => {
      const before = memoryInUse()
      const topology = recurrent({ length: 6, vocabulary: 8, classes: 2, cell, embedding: 4, units: 8 })
      const options: TrainOptions = {
        topology,
        ...orders(300, 1),
        validation: orders(200, 2),
        epochs: 10,
        batchSize: 32,
        optimizer: { kind: 'adam' },
        learningRate: { kind: 'constant', rate: 0.05 },
        seed: 1,
      }
      const { weights, history } = await trainModel(options)
      expect(history.at(-1)?.validationAccuracy).toBeGreaterThan(0.95)
      expect((await trainModel({ ...options, epochs: 2 })).weights).toEqual((await trainModel({ ...options, epochs: 2 })).weights)
      const runtime = await loadRuntime({ topology, tensors: weights }, 'wasm', { wasmPath })
      const [answer] = await runtime.predict([
        { dtype: 'float32', shape: [2, 6], data: Float32Array.of(1, 2, 3, 4, 5, 6, 2, 1, 3, 4, 5, 6) },
      ])
      expect(must(answer, 'an answer').data[1]).toBeGreaterThan(0.5)
      expect(must(answer, 'an answer').data[3]).toBeLessThan(0.5)
      runtime.dispose()
      expect(memoryInUse()).toEqual(before)
    },
  )

  test('[CMP-101] regression with squared errors finds the mean, with absolute errors the median', async () => {
    const random = seededRandom(5)
    // a tenth of the values lies far off, on one side
    const labels = Float32Array.from({ length: 500 }, (_, i) => (i % 10 === 0 ? 20 : 1) + 0.1 * normal(random))
    const options: TrainOptions = {
      topology: linear({ inputShape: [1], classes: 0 }),
      examples: { data: new Float32Array(500).fill(1), shape: [500, 1] },
      labels,
      epochs: 40,
      batchSize: 100,
      optimizer: { kind: 'adam' },
      learningRate: { kind: 'cosine', rate: 0.1 },
      seed: 1,
    }
    const answer = async (more: Partial<TrainOptions>): Promise<number> => {
      const { weights } = await trainModel({ ...options, ...more })
      return Number(weights['output/kernel']?.data[0]) + Number(weights['output/bias']?.data[0])
    }
    expect(Math.abs((await answer({})) - 2.9)).toBeLessThan(0.2)
    expect(Math.abs((await answer({ regressionLoss: 'mean-absolute-error' })) - 1)).toBeLessThan(0.2)
  })

  test('[CMP-102] after each epoch training shows its weights, waits, and ends when it is told to', async () => {
    const before = memoryInUse()
    const seen: { epoch: number; weights: Record<string, unknown> }[] = []
    const { examples, labels } = orders(64, 3)
    const options: TrainOptions = {
      topology: mlp({ inputShape: [6], classes: 2, hidden: [4] }),
      examples,
      labels,
      epochs: 5,
      batchSize: 16,
      optimizer: { kind: 'adam' },
      learningRate: { kind: 'constant', rate: 0.01 },
      seed: 2,
      afterEpoch: async ({ epoch }, weights) => {
        seen.push({ epoch, weights: await weights() })
        return epoch === 3 ? 'stop' : 'go on'
      },
    }
    const { history, weights } = await trainModel(options)
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
    expect(seen.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
    expect(weights).toEqual(seen[2]?.weights)
    expect(seen[1]?.weights).not.toEqual(seen[2]?.weights)
    expect(memoryInUse()).toEqual(before)
  })
})
