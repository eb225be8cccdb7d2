import { beforeAll, describe, expect, test } from 'vitest'
import { linear, mlp } from '../../../shared/compute/architectures.ts'
import { affine } from '../../../shared/compute/examples.ts'
import { buildModel, getWeights } from '../../../shared/compute/model.ts'
import { trainModel } from '../../../shared/compute/train.ts'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom } from '../../../shared/core/random.ts'
import { localUpdate, type LocalUpdateOptions } from '../../../shared/federated/local-update.ts'
import { l2Norm } from '../../../shared/federated/update.ts'
import { applyDelta, startWeightedMean } from '../../../shared/federated/weighted-mean.ts'
import { decodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import type { NamedTensors } from '../../../shared/tensor/tensor.ts'
import { start } from '../compute/node-backend.ts'
import { quarters } from '../compute/shapes-data.ts'

const shape = { inputShape: [8, 8, 1] as const, classes: 4 }
const topology = mlp({ ...shape, hidden: [12] })
const plan = { epochs: 2, batchSize: 16, learningRate: 0.1, seed: 3, clipNorm: 5, maxExamples: 1000 }
const transform = affine(1 / 255)

beforeAll(async () => {
  await start('cpu')
})

/** Devices that have seen only two of the four quarters each: shards of the data sorted by label. */
function shards(devices: number): { examples: LocalUpdateOptions['examples']; labels: Uint8Array }[] {
  const { examples, labels } = quarters(devices * 40, 1)
  const order = Array.from(labels.keys()).sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0))
  return Array.from({ length: devices }, (_, d) => {
    const own = [
      ...order.slice(d * 20, d * 20 + 20),
      ...order.slice((devices + ((d + 7) % devices)) * 20, (devices + ((d + 7) % devices)) * 20 + 20),
    ]
    const data = new Uint8Array(own.length * 64)
    own.forEach((from, to) => {
      data.set((examples.data as Uint8Array).subarray(from * 64, from * 64 + 64), to * 64)
    })
    return { examples: { data, shape: [own.length, 8, 8, 1] }, labels: Uint8Array.from(own, (i) => must(labels[i], 'a label')) }
  })
}

const weightsOf = (tensors: NamedTensors) => Object.entries(tensors).map(([name, tensor]) => ({ name, shape: tensor.shape }))

async function accuracyOf(weights: NamedTensors): Promise<number> {
  const validation = quarters(300, 2)
  const { history } = await trainModel({
    topology,
    initial: weights,
    ...validation,
    validation,
    transform,
    epochs: 1,
    batchSize: 300,
    optimizer: { kind: 'sgd' },
    learningRate: { kind: 'constant', rate: 1e-9 },
    seed: 1,
  })
  return must(history[0]?.validationAccuracy, 'an accuracy')
}

async function initial(): Promise<NamedTensors> {
  const { weights } = await trainModel({
    topology,
    ...quarters(4, 9),
    transform,
    epochs: 1,
    batchSize: 4,
    optimizer: { kind: 'sgd' },
    learningRate: { kind: 'constant', rate: 1e-9 },
    seed: 8,
  })
  return weights
}

/** So many rounds over all devices; `hostile` of them send noise a million times too large. */
async function rounds(count: number, devices: number, hostile: number): Promise<NamedTensors> {
  let weights = await initial()
  const random = seededRandom(5)
  for (let round = 0; round < count; round++) {
    const mean = startWeightedMean(weightsOf(weights), plan.clipNorm)
    for (const [d, { examples, labels }] of shards(devices).entries()) {
      const { body } = await localUpdate({
        plan: { ...plan, seed: round * 100 + d },
        topology,
        base: weights,
        examples,
        labels,
        transform,
        train: trainModel,
      })
      const { tensors, metadata } = decodeSafetensors(body)
      if (d < hostile)
        for (const { data } of Object.values(tensors)) for (let i = 0; i < data.length; i++) data[i] = 1e6 * (random.uniform() - 0.5)
      mean.add(tensors, Number(metadata['examples']))
    }
    weights = applyDelta(weights, mean.mean())
  }
  return weights
}

describe('federated averaging with the real trainer', () => {
  test('[FED-8] devices that each know half the classes learn all of them together', { timeout: 30_000 }, async () => {
    const before = await accuracyOf(await initial())
    const after = await accuracyOf(await rounds(8, 8, 0))
    expect(before).toBeLessThan(0.6)
    expect(after).toBeGreaterThan(0.9)
    // the same seeds give the same weights, bit for bit
    expect(await rounds(1, 4, 0)).toEqual(await rounds(1, 4, 0))
  })

  test('[FED-9] one device in eight that sends huge noise does not keep the others from learning', { timeout: 30_000 }, async () => {
    const weights = await rounds(8, 8, 1)
    for (const { data } of Object.values(weights)) expect(data.every(Number.isFinite)).toBe(true)
    expect(await accuracyOf(weights)).toBeGreaterThan(0.8)
  })
})

describe('local update', () => {
  const options = async (more: Partial<LocalUpdateOptions> = {}): Promise<LocalUpdateOptions> => ({
    plan,
    topology,
    base: await initial(),
    ...quarters(60, 4),
    transform,
    train: trainModel,
    ...more,
  })

  test('[FED-10] holds the clipped difference to the base, one tensor a weight, and the number of examples', async () => {
    const given = await options()
    const update = await localUpdate(given)
    const { tensors, metadata } = decodeSafetensors(update.body)
    expect(metadata).toEqual({ examples: '60' })
    expect(weightsOf(tensors).map(({ name }) => name)).toEqual(Object.keys(given.base).sort())
    expect(update.clipped).toBe(false)
    expect(l2Norm(tensors)).toBeCloseTo(update.norm, 5)
    expect(update.norm).toBeGreaterThan(0.01)
    const bound = update.norm / 4
    const clipped = await localUpdate({ ...given, plan: { ...plan, clipNorm: bound } })
    expect(clipped).toMatchObject({ clipped: true, norm: update.norm })
    expect(l2Norm(decodeSafetensors(clipped.body).tensors)).toBeCloseTo(bound, 5)
    expect((await localUpdate(given)).body).toEqual(update.body)
  })

  test('[FED-11] takes no more examples than the plan allows, and needs some', async () => {
    const update = await localUpdate(await options({ plan: { ...plan, maxExamples: 10 } }))
    expect(update.examples).toBe(10)
    await expect(
      localUpdate(await options({ examples: { data: new Uint8Array(0), shape: [0, 8, 8, 1] }, labels: new Uint8Array(0) })),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('[FED-12] hands in nothing when training diverges, is aborted, or the model is another', async () => {
    await expect(localUpdate(await options({ plan: { ...plan, learningRate: 1e30, epochs: 5 } }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(training_diverged|output_not_finite)$/),
    })
    await expect(localUpdate(await options({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'aborted' })
    const other = await buildModel(linear(shape))
    const base = await getWeights(other)
    other.dispose()
    await expect(localUpdate(await options({ base }))).rejects.toMatchObject({ code: 'shape_mismatch' })
  })
})
