import { createHash } from 'node:crypto'
import type { Round as RoundView, TrainingPlan } from '../../shared/contract/federation.ts'
import { must } from '../../shared/core/assert.ts'
import { concatBytes } from '../../shared/core/bytes.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import { type DeviceId, type LeaseId, newId, type RoundId, type Slug } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Random } from '../../shared/core/random.ts'
import { fail, type Result, unwrap } from '../../shared/core/result.ts'
import { whyUntrainable } from '../../shared/trust/trainable.ts'
import { freeLeases, openRound, type RoundEvent, stepRound } from '../../shared/federated/round.ts'
import { checkUpdate, type UpdateFacts } from '../../shared/federated/update.ts'
import { decodeSafetensors } from '../../shared/tensor/safetensors.ts'
import type { EventBus } from '../events.ts'
import { type Actor, nameOf } from '../http/actor.ts'
import type { Registry } from '../registry/registry-service.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { afterCommit, transact } from '../storage/transact.ts'
import { aggregateRound, weightsOf } from './aggregate.ts'
import { type Lease, roundStore, type StoredRound } from './round-store.ts'

export type OpenRound = {
  model: Slug
  plan: Omit<TrainingPlan, 'model' | 'baseManifest'>
  wanted: number
  minimum: number
  durationMs: number
}
export type TakenLease = { id: LeaseId; round: RoundId; plan: TrainingPlan; expires: number }

export type Federation = {
  /** Throws unknown_model, unknown_version, invalid_input, conflict, and unsupported_op for a version that cannot be trained. */
  open(input: OpenRound): Promise<RoundView>
  get(id: RoundId): Promise<RoundView>
  list(query: { model?: Slug | undefined }): Promise<RoundView[]>
  /** Aggregates what has come, or abandons the round; answers when that is done. */
  close(id: RoundId, actor: Actor): Promise<RoundView>
  /** Null where no round is open, it has enough devices, or this one has handed in already. The same device gets the same lease again. */
  takeLease(model: Slug, device: DeviceId): Promise<TakenLease | null>
  /** Takes an update for aggregation, durably, once per lease. Throws not_found, conflict, and what is wrong with the update: shape_mismatch, output_not_finite, invalid_document, invalid_input. */
  submit(lease: LeaseId, device: DeviceId, body: ReadableStream<Uint8Array>): Promise<{ accepted: boolean; why: string }>
  /** What falls due by time, and aggregation that a crash has interrupted. Safe at any moment. */
  tick(): Promise<void>
}

export type FederationDeps = {
  readonly db: Db
  readonly blobs: Pick<BlobStore, 'read' | 'put'>
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly registry: Pick<Registry, 'getModel' | 'getVersion' | 'manifestOf'>
  /** How long a device may train before its lease goes to another, milliseconds. */
  readonly leaseMs?: number
  /** Hears of failures of aggregation that no caller waits for: it is tried again by the next tick. */
  readonly onError: (thrown: unknown) => void
}

const MAX_LISTED = 200
const LEASE_MS = 15 * 60 * 1000

const pseudonymOf = (round: RoundId, device: DeviceId): string =>
  createHash('sha256').update(`${round}:${device}`).digest('hex').slice(0, 32)

export function createFederation({ db, blobs, clock, random, events, registry, leaseMs = LEASE_MS, onError }: FederationDeps): Federation {
  const store = roundStore(db)
  let turn: Promise<unknown> = Promise.resolve()

  const tell = (tx: Db, round: StoredRound, more: JsonObject = {}): void => {
    const { id, model, state, accepted, result, why, plan } = round
    afterCommit(tx, () =>
      events.publish({
        type: 'round.changed',
        subject: model,
        data: { round: id, model, base: plan.base, state, accepted, result, why, ...more },
      }),
    )
  }

  const changed = async (
    tx: Db,
    round: StoredRound,
    event: RoundEvent,
    more: Partial<StoredRound> = {},
    facts: JsonObject = {},
  ): Promise<StoredRound> => {
    const next: StoredRound = { ...round, ...unwrap(stepRound(round, event, clock.now())), ...more }
    if (next.state === round.state && next.accepted === round.accepted) return round
    const inside = roundStore(tx)
    await inside.update(next)
    if (next.ended !== null) await inside.dropUpdates(next.id)
    tell(tx, next, facts)
    return next
  }

  /** The round as time has left it. */
  const upToDate = (id: RoundId): Promise<StoredRound> =>
    transact(db, async (tx) => changed(tx, must(await roundStore(tx).get(id), `round ${id}`), { type: 'time' }))

  const aggregate = async (id: RoundId): Promise<void> => {
    const round = must(await store.get(id), `round ${id}`)
    if (round.state !== 'aggregating') return
    const manifest = await registry.manifestOf(round.model, round.plan.base)
    try {
      const { body, norms, examples } = await aggregateRound(store, blobs, round, manifest)
      const { digest } = await blobs.put(body)
      await transact(db, async (tx) =>
        changed(
          tx,
          must(await roundStore(tx).get(id), `round ${id}`),
          { type: 'aggregated' },
          { result: digest },
          { examples, norms: norms === null ? null : { ...norms } },
        ),
      )
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== 'output_not_finite') throw thrown
      await transact(db, async (tx) =>
        changed(tx, must(await roundStore(tx).get(id), `round ${id}`), { type: 'failed', why: thrown.detail }),
      )
    }
  }

  /** One aggregation at a time: each holds the whole model in memory. */
  const aggregateInTurn = (id: RoundId): Promise<void> => {
    const next = turn.then(() => aggregate(id))
    turn = next.catch(() => undefined)
    return next
  }

  const checked = async (round: StoredRound, body: Uint8Array): Promise<Result<UpdateFacts>> => {
    const manifest = await registry.manifestOf(round.model, round.plan.base)
    try {
      const { tensors, metadata } = decodeSafetensors(body, { maxHeader: 1024 * 1024 })
      const { clipNorm, maxExamples } = round.plan
      return checkUpdate(tensors, { examples: metadata['examples'], weights: weightsOf(manifest), clipNorm, maxExamples })
    } catch (thrown) {
      if (thrown instanceof AppError) return fail(thrown)
      throw thrown
    }
  }

  const refuse = (lease: Lease, digest: Sha256, error: AppError): Promise<void> =>
    transact(db, async (tx) => {
      const inside = roundStore(tx)
      const current = must(await inside.lease(lease.id), 'the lease')
      const round = must(await inside.get(lease.round), 'the round')
      if (current.state !== 'out' || round.ended !== null) return
      await inside.updateLease({ ...current, state: 'refused', digest })
      const next = { ...round, refused: { ...round.refused, [error.code]: (round.refused[error.code] ?? 0) + 1 } }
      await inside.update(next)
      tell(tx, next)
    })

  const take = (
    lease: Lease,
    digest: Sha256,
    body: Uint8Array,
    facts: UpdateFacts,
  ): Promise<{ accepted: boolean; why: string; full: boolean }> =>
    transact(db, async (tx) => {
      const inside = roundStore(tx)
      const current = must(await inside.lease(lease.id), 'the lease')
      const round = must(await inside.get(lease.round), 'the round')
      const before = answered(current, round, digest, clock.now())
      if (before !== null) return { ...before, full: false }
      await inside.putUpdate(lease.id, round.id, body)
      await inside.updateLease({ ...current, state: 'accepted', digest, examples: facts.examples, norm: facts.norm })
      const next = await changed(tx, round, { type: 'accepted' })
      return {
        accepted: true,
        why: facts.clipped ? `counted, clipped from norm ${facts.norm.toPrecision(3)} to ${round.plan.clipNorm}` : 'counted',
        full: next.state === 'aggregating',
      }
    })

  return {
    open: async ({ model, plan, wanted, minimum, durationMs }) => {
      const version = await registry.getVersion(model, plan.base)
      if (version.revoked !== null)
        throw new AppError('conflict', `${model} version ${plan.base} was revoked (${version.revoked.reason}): train from another`)
      const untrainable = whyUntrainable(await registry.manifestOf(model, plan.base))
      if (untrainable !== undefined) throw new AppError('unsupported_op', untrainable)
      const opened = clock.now()
      const state = unwrap(openRound({ wanted, minimum, deadline: opened + durationMs }))
      const round: StoredRound = {
        ...state,
        id: newId('round', random),
        model,
        plan: { ...plan, model, baseManifest: version.manifest },
        opened,
        refused: {},
        result: null,
      }
      return transact(db, async (tx) => {
        const inside = roundStore(tx)
        const [running] = await inside.active(model)
        if (running !== undefined) throw new AppError('conflict', `round ${running.id} of ${model} is ${running.state}: close it first`)
        await inside.insert(round)
        tell(tx, round)
        return inside.view(round)
      })
    },
    get: async (id) => {
      const round = await store.get(id)
      if (round === undefined) throw new AppError('not_found', `there is no round ${id}`)
      return store.view(round)
    },
    list: async ({ model }) => Promise.all((await store.list({ model, limit: MAX_LISTED })).map((round) => store.view(round))),
    close: async (id, actor) => {
      const found = await store.get(id)
      if (found === undefined) throw new AppError('not_found', `there is no round ${id}`)
      const closed = await transact(db, async (tx) =>
        changed(tx, must(await roundStore(tx).get(id), `round ${id}`), { type: 'close', by: nameOf(actor) }),
      )
      if (closed.state === 'aggregating') await aggregateInTurn(id)
      return store.view(must(await store.get(id), `round ${id}`))
    },
    takeLease: async (model, device) => {
      await registry.getModel(model)
      return transact(db, async (tx) => {
        const inside = roundStore(tx)
        const now = clock.now()
        const [round] = await inside.active(model)
        if (round === undefined || round.state !== 'open' || now >= round.deadline) return null
        const pseudonym = pseudonymOf(round.id, device)
        const known = await inside.leaseOf(round.id, pseudonym)
        if (known !== undefined && known.state !== 'out') return null
        const give = (lease: Lease): TakenLease => ({ id: lease.id, round: round.id, plan: round.plan, expires: lease.expires })
        if (known !== undefined && known.expires > now) return give(known)
        if (freeLeases(round, await inside.outstanding(round.id, now)) === 0) return null
        const expires = Math.min(round.deadline, now + leaseMs)
        if (known !== undefined) {
          const renewed = { ...known, expires }
          await inside.updateLease(renewed)
          return give(renewed)
        }
        const lease: Lease = {
          id: newId('lease', random),
          round: round.id,
          device: pseudonym,
          expires,
          state: 'out',
          digest: null,
          examples: null,
          norm: null,
        }
        await inside.insertLease(lease)
        return give(lease)
      })
    },
    submit: async (id, device, stream) => {
      const lease = await store.lease(id)
      // another device's lease is as good as none
      if (lease === undefined || lease.device !== pseudonymOf(lease.round, device))
        throw new AppError('not_found', `this device has no lease ${id}`)
      const body = concatBytes(await Array.fromAsync(stream))
      const digest = createHash('sha256').update(body).digest('hex') as Sha256
      const round = await upToDate(lease.round)
      if (round.state === 'aggregating') void aggregateInTurn(round.id).catch(onError)
      const before = answered(lease, round, digest, clock.now())
      if (before !== null) return before
      const facts = await checked(round, body)
      if (!facts.ok) {
        await refuse(lease, digest, facts.error)
        throw facts.error
      }
      const { full, ...answer } = await take(lease, digest, body, facts.value)
      if (full) void aggregateInTurn(round.id).catch(onError)
      return answer
    },
    tick: async () => {
      for (const { id } of await store.active()) {
        const round = await upToDate(id)
        if (round.state === 'aggregating') await aggregateInTurn(id)
      }
      await turn
    },
  }
}

/** What is to be said without counting the update; null where it may count. The same bytes for the same lease are answered as they were the first time. */
function answered(lease: Lease, round: StoredRound, digest: Sha256, now: number): { accepted: boolean; why: string } | null {
  if (lease.state === 'accepted') {
    if (lease.digest === digest) return { accepted: true, why: 'counted before' }
    throw new AppError('conflict', `lease ${lease.id} has handed in another update already: one counts`)
  }
  if (lease.state === 'refused') throw new AppError('conflict', `the update of lease ${lease.id} was refused: take part in the next round`)
  if (round.state !== 'open') return { accepted: false, why: `the round is ${round.state}: this update came too late` }
  if (lease.expires <= now) return { accepted: false, why: 'the lease has expired: take it again' }
  return null
}
