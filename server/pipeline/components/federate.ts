import * as z from 'zod'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { decodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { shapeMismatch } from '../../../shared/tensor/tensor.ts'
import { defineComponent } from '../component.ts'
import { fetchVersion, findLive, liveVersion } from '../data/live-version.ts'
import { encodeModel } from '../data/model-file.ts'

const count = z.int().min(1)

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  plan: z
    .strictObject({
      epochs: count.default(1),
      batchSize: count.default(16),
      learningRate: z.number().positive().default(0.01),
      clipNorm: z.number().positive().default(1),
      maxExamples: count.default(500),
    })
    .prefault({}),
  /** Devices that are asked, and those without which the round means nothing. */
  wanted: count,
  minimum: count,
  durationMs: z.int().min(1000),
})

/** How often the round is looked at, in milliseconds. */
const LOOK_EVERY = 1000

/** Trains on the devices that have the data: opens a round, waits for its end, yields the aggregated model. */
export const federate = defineComponent({
  name: 'federate',
  version: '1',
  module: import.meta.url,
  inputs: {},
  outputs: { model: 'model', history: 'history' },
  params,
  cache: 'never',
  limits: { timeoutMs: 7 * 24 * 60 * 60 * 1000 },
  reads: ({ params: { model, alias }, api }) => findLive(api, model, alias),
  async run({
    params: { model, alias, plan, wanted, minimum, durationMs },
    reads,
    seed,
    idempotencyKey,
    api,
    signal,
    clock,
    blobs,
    log,
    progress,
  }) {
    const base = liveVersion.parse(reads)
    if (base === null) throw new AppError('conflict', `${model}@${alias} has no version yet: devices need one to start from`)
    const opened = await api(
      'rounds.open',
      { params: { model: model as Slug }, body: { plan: { ...plan, base: base.version, seed }, wanted, minimum, durationMs } },
      { idempotencyKey, signal },
    )
    log.info(`round ${opened.id} on version ${base.version}: ${wanted} devices wanted, ${minimum} needed`)
    let round = opened
    while (round.state === 'open' || round.state === 'aggregating') {
      await clock.sleep(LOOK_EVERY, signal)
      round = await api('rounds.get', { params: { round: opened.id } }, { signal })
      progress(round.accepted, wanted, `${round.accepted} of ${wanted} updates`)
    }
    if (round.state !== 'done' || round.result === null)
      throw new AppError('step_failed', `round ${round.id} was abandoned: ${round.why ?? 'too few devices took part'}`)
    const { model: file } = await fetchVersion(api, base.manifest as Sha256, signal)
    const { tensors } = decodeSafetensors(await blobs.read(round.result))
    const missing = Object.keys(file.tensors).find((name) => !Object.hasOwn(tensors, name))
    if (missing !== undefined) throw shapeMismatch(missing, 'a tensor of the round', 'nothing')
    // in the model's own order
    const ordered = Object.fromEntries(
      Object.keys(file.tensors).flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]])),
    )
    return {
      outputs: {
        model: await blobs.bytes(encodeModel({ topology: file.topology, tensors: ordered }), {
          properties: { parent: base.version, round: round.id },
        }),
        history: await blobs.json(
          { round: round.id, plan: round.plan, leases: round.leases, accepted: round.accepted, refused: round.refused },
          { properties: { accepted: round.accepted } },
        ),
      },
    }
  },
})
