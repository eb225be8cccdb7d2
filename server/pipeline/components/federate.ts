import * as z from 'zod'
import { whyUntrainable } from '../../../shared/trust/trainable.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { Round } from '../../../shared/contract/federation.ts'
import { AppError, toAppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { IDEMPOTENCY_LIFETIME_MS } from '../../../shared/core/limits.ts'
import { decodeSafetensors } from '../../../shared/tensor/safetensors.ts'
import { shapeMismatch } from '../../../shared/tensor/tensor.ts'
import { defineComponent } from '../component.ts'
import { fetchVersion, findLive, liveVersion } from '../data/live-version.ts'
import { encodeModel } from '../data/model-file.ts'
import { trainedForm } from '../data/trained-form.ts'
import { STOPPING } from '../step-protocol.ts'

const count = z.int().min(1)

const params = z.strictObject({
  model: z.string(),
  alias: z.string().default('stable'),
  plan: z
    .strictObject({
      epochs: count.max(100).default(1),
      batchSize: count.max(1024).default(16),
      learningRate: z.number().positive().default(0.01),
      clipNorm: z.number().positive().default(1),
      maxExamples: count.default(500),
    })
    .prefault({}),
  /** Devices that are asked, and those without which the round means nothing. */
  wanted: count,
  minimum: count,
  /** At most as long as the server knows a run that goes on after a restart by its idempotency key, milliseconds. */
  durationMs: z.int().min(1000).max(IDEMPOTENCY_LIFETIME_MS),
  /** Columns by whose values the model is looked at separately. */
  sliceBy: z.array(z.string()).default([]),
})

/** How often the round is looked at, in milliseconds. */
const LOOK_EVERY = 1000

/** Waits for the end of a round. A run that is cancelled closes its round; one that the server's end interrupts comes back to it. */
async function endOf(
  opened: Round,
  { api, signal, look }: { api: Client; signal: AbortSignal; look: (seen: Round) => Promise<void> },
): Promise<Round> {
  let round = opened
  const params = { round: opened.id }
  try {
    while (round.state === 'open' || round.state === 'aggregating') {
      await look(round)
      round = await api('rounds.get', { params }, { signal })
    }
    return round
  } catch (thrown) {
    if (signal.aborted && !toAppError(signal.reason).detail.includes(STOPPING)) await api('rounds.close', { params }).catch(() => undefined)
    throw thrown
  }
}

/** Trains on the devices that have the data: opens a round, waits for its end, yields the aggregated model. */
export const federate = defineComponent({
  name: 'federate',
  version: '2',
  module: import.meta.url,
  inputs: {},
  outputs: { model: 'model', transforms: 'transforms', history: 'history' },
  params,
  cache: 'never',
  limits: { timeoutMs: 2 * IDEMPOTENCY_LIFETIME_MS },
  reads: ({ params: { model, alias }, api }) => findLive(api, model, alias),
  async run({
    params: { model, alias, plan, wanted, minimum, durationMs, sliceBy },
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
    const { manifest, model: file } = await fetchVersion(api, base.manifest as Sha256, signal)
    const untrainable = whyUntrainable(manifest)
    if (untrainable !== undefined) throw new AppError('unsupported_op', untrainable)
    const form = trainedForm(manifest, sliceBy)
    const opened = await api(
      'rounds.open',
      { params: { model: model as Slug }, body: { plan: { ...plan, base: base.version, seed }, wanted, minimum, durationMs } },
      { idempotencyKey, signal },
    )
    log.info(`round ${opened.id} on version ${base.version}: ${wanted} devices wanted, ${minimum} needed`)
    const look = async ({ accepted }: Round) => {
      progress(accepted, wanted, `${accepted} of ${wanted} updates`)
      await clock.sleep(LOOK_EVERY, signal)
    }
    const round = await endOf(opened, { api, signal, look })
    if (round.state !== 'done' || round.result === null)
      throw new AppError('step_failed', `round ${round.id} was abandoned: ${round.why ?? 'too few devices took part'}`)
    log.info(`round ${round.id} is done: ${round.why}`)
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
        transforms: await blobs.json(form, { properties: { labels: form.labels.length, version: base.version } }),
        history: await blobs.json(
          { round: round.id, plan: round.plan, leases: round.leases, accepted: round.accepted, refused: round.refused },
          { properties: { accepted: round.accepted } },
        ),
      },
    }
  },
})
