import * as z from 'zod/mini'
import { AppError, toAppError } from '../../../shared/core/errors.ts'
import { slug } from '../../../shared/core/fields.ts'
import type { LeaseId } from '../../../shared/core/ids.ts'
import type { Bytes } from '../../../shared/core/bytes.ts'
import { whyUntrainable } from '../../../shared/trust/trainable.ts'
import type { LabelledInput } from '../../../shared/worker/training-api.ts'
import type { ContributeProgress, Contribution } from '../api.ts'
import type { DeviceContext } from '../device-context.ts'
import { obtainBase } from './training-base.ts'
import type { Pausing } from './pausing.ts'
import type { Trainer } from './trainer.ts'

export type ContributeInput = {
  readonly model: string
  readonly trainer: Trainer
  readonly examples: readonly LabelledInput[]
  readonly onProgress: (progress: ContributeProgress) => void
  /** What part of the time training may work now. */
  readonly share: () => number
  readonly pausing: Pausing
  readonly signal: AbortSignal
}

/** By model: the last round that this device has handed something in for, and under which lease. */
const handedIn = z.record(z.string(), z.object({ round: z.string(), lease: z.string() }))
const SETTING = 'training rounds'
const FIRST_PAUSE_MS = 1000

async function takeLease({ client, identity }: DeviceContext, model: string, signal: AbortSignal) {
  const ask = async () => (await client('leases.take', { params: { model: slug.parse(model) } }, { signal })).lease
  await identity.register(client)
  try {
    return await ask()
  } catch (thrown) {
    if (toAppError(thrown).status !== 401) throw thrown
    await identity.register(client, { anew: true })
    return ask()
  }
}

/** Notes the lease before anything is sent. False where this device has taken part in the round under another one: it was registered anew since. */
async function enter({ storage }: DeviceContext, model: string, lease: { round: string; id: string }): Promise<boolean> {
  let fresh = true
  await storage.updateSetting(SETTING, (value) => {
    const parsed = handedIn.safeParse(value)
    const known = parsed.success ? parsed.data : {}
    fresh = known[model]?.round !== lease.round || known[model]?.lease === lease.id
    return fresh ? { ...known, [model]: { round: lease.round, lease: lease.id } } : known
  })
  return fresh
}

/** The same bytes under the same lease count once, however often they are sent. */
async function submit({ client, clock, random, retries }: DeviceContext, lease: LeaseId, body: Bytes, signal: AbortSignal) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await client('updates.submit', { params: { lease }, body }, { signal })
    } catch (thrown) {
      const error = toAppError(thrown)
      if (!error.retryable || error.code === 'aborted' || attempt >= retries) throw error
      await clock.sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + random.uniform() / 2), signal)
    }
  }
}

/**
 * This device's part in the round that is open: lease, base version, training, update. Leaves no trace on the device but the note that it took part. Throws
 * whatever stands in the way.
 */
export async function takePart(context: DeviceContext, input: ContributeInput): Promise<Contribution> {
  const { model, trainer, examples, onProgress, share, pausing, signal } = input
  onProgress({ phase: 'ask', done: 0, total: 0 })
  const lease = await takeLease(context, model, signal)
  if (lease === null) return { outcome: 'no-round', why: 'no round needs this device now' }
  const { plan } = lease
  if (plan.model !== model) throw new AppError('invalid_document', `a lease for ${model} came with a plan for ${plan.model}`)
  if (!(await enter(context, model, { round: lease.round, id: lease.id })))
    return { outcome: 'no-round', why: 'this device has taken part in the round that is open' }
  const source = await obtainBase(context, plan, {
    signal,
    onBytes: (done, total) => onProgress({ phase: 'download', done, total }),
  })
  const { topology, signature, transforms, monitors, selfTest, labels, requires } = source.manifest
  const untrainable = whyUntrainable(source.manifest)
  if (untrainable !== undefined) throw new AppError('unsupported_op', untrainable)
  // told before the first step: a small job ends before its trainer has anything to tell
  onProgress({ phase: 'train', done: 0, total: 0 })
  const trained = await trainer.train(
    {
      manifest: { topology, signature, transforms, monitors, selfTest, labels, requires },
      tensors: await source.tensors(),
      examples,
      plan,
    },
    { signal, share, pausing, onProgress: ({ done, total, loss }) => onProgress({ phase: 'train', done, total, loss }) },
  )
  signal.throwIfAborted()
  onProgress({ phase: 'send', done: 0, total: trained.body.length })
  const { accepted, why } = await submit(context, lease.id, trained.body, signal)
  if (!accepted) return { outcome: 'refused', code: 'conflict', why }
  const { examples: count, norm, clipped, loss, backend } = trained
  return {
    outcome: 'contributed',
    round: lease.round,
    version: plan.base,
    examples: count,
    bytes: trained.body.length,
    norm,
    clipped,
    loss,
    backend,
    why,
  }
}
