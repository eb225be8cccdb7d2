import { type Rollout, type RolloutEvidence as Look, type RolloutPolicy, rolloutPolicy } from '../../shared/contract/rollouts.ts'
import { must } from '../../shared/core/assert.ts'
import { toHex } from '../../shared/core/bytes.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { newId, type RolloutId, type Slug } from '../../shared/core/ids.ts'
import type { Random } from '../../shared/core/random.ts'
import { unwrap } from '../../shared/core/result.ts'
import type { ReleaseRollout } from '../../shared/trust/release.ts'
import type { Releases } from '../delivery/release-service.ts'
import type { EventBus } from '../events.ts'
import { type Actor, nameOf } from '../http/actor.ts'
import type { Alerts, RaisedAlert } from '../monitoring/alert-service.ts'
import type { ReportConsumer } from '../monitoring/ingest.ts'
import type { Registry } from '../registry/registry-service.ts'
import type { Db } from '../storage/database.ts'
import { afterCommit, transact } from '../storage/transact.ts'
import { outcomeRecorder } from './outcomes.ts'
import { checkPolicy, isActive, type RolloutEvent, shareOf, startMachine, step } from './rollout.ts'
import { rolloutStore, type StoredRollout } from './rollout-store.ts'

export type StartRollout = {
  model: Slug
  alias: Slug
  candidate: number
  mode: Rollout['mode']
  policy?: RolloutPolicy | undefined
  reason: string
}

export type Rollouts = {
  /** Sends a version to the first stage's share of devices. Throws unknown_model, unknown_version, version_revoked, invalid_input, conflict. */
  start(input: StartRollout, actor: Actor): Promise<Rollout>
  promote(id: RolloutId, reason: string, actor: Actor): Promise<Rollout>
  rollback(id: RolloutId, reason: string, actor: Actor): Promise<Rollout>
  list(query: { model?: Slug | undefined }): Promise<Rollout[]>
  get(id: RolloutId): Promise<{ rollout: Rollout; history: Look[] }>
  /** Takes devices' outcomes out of reports. */
  readonly consumer: ReportConsumer
  /** What falls due by time: ends batches and rollouts, mends a release document that does not say what stands here. Safe at any moment. */
  tick(): Promise<void>
}

export type RolloutSettings = {
  /** A batch of devices is closed after so many of them, both arms among them, or so long. */
  readonly batchDevices: number
  readonly batchMs: number
}

export const ROLLOUT_SETTINGS: RolloutSettings = { batchDevices: 20, batchMs: 60 * 60 * 1000 }

export type RolloutDeps = {
  readonly db: Db
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly alerts: Pick<Alerts, 'raise'>
  readonly registry: Pick<Registry, 'getVersion' | 'aliasTarget' | 'setAlias'>
  readonly releases: Pick<Releases, 'publish' | 'current'>
  readonly settings?: Partial<RolloutSettings>
}

const MAX_LISTED = 200
const SYSTEM: Actor = { kind: 'system', name: 'rollouts' }

export function createRollouts({ db, clock, random, events, alerts, registry, releases, settings: some = {} }: RolloutDeps): Rollouts {
  const settings: RolloutSettings = { ...ROLLOUT_SETTINGS, ...some }
  const store = rolloutStore(db)
  const touched = new Set<RolloutId>()

  const view = async (rollout: StoredRollout, at = store): Promise<Rollout> => {
    const { id, model, alias, mode, candidate, stable, state, progress, policy, created, ended, decision } = rollout
    return {
      id,
      model,
      alias,
      mode,
      candidate,
      stable,
      state,
      stage: progress.stage,
      share: shareOf(rollout),
      policy,
      created,
      ended,
      decision,
      evidence: await at.lastLook(id),
    }
  }

  const documentOf = async (rollout: StoredRollout): Promise<ReleaseRollout> => ({
    id: rollout.id,
    mode: rollout.mode,
    candidate: { version: rollout.candidate, manifest: (await registry.getVersion(rollout.model, rollout.candidate)).manifest },
    share: shareOf(rollout),
    salt: rollout.salt,
    stage: rollout.progress.stage,
    firstWindow: rollout.policy.firstWindow,
  })

  const tell = (tx: Db, rollout: StoredRollout): void => {
    const { id, model, alias, candidate, stable, state, progress } = rollout
    afterCommit(tx, () =>
      events.publish({
        type: 'rollout.changed',
        subject: `${model}@${alias}`,
        data: { rollout: id, model, alias, candidate, stable, state, stage: progress.stage },
      }),
    )
  }

  /** The event and all that follows from it, in one transaction: state, look, alias, release document, alert. */
  const apply = async (
    tx: Db,
    before: StoredRollout,
    event: RolloutEvent,
    actor: Actor,
    candidateDocument: ReleaseRollout,
  ): Promise<StoredRollout> => {
    const inside = rolloutStore(tx)
    const { machine, look, evident, mismatch = false } = unwrap(step(before, event))
    const now = clock.now()
    const closes = event.type === 'batch'
    const after: StoredRollout = {
      ...before,
      ...machine,
      ended: isActive(machine.state) ? null : now,
      batch: before.batch + (closes ? 1 : 0),
      batchOpened: closes ? null : before.batchOpened,
    }
    if (look === null && after.state === before.state && !closes) return before
    await inside.update(after)
    if (look !== null) await inside.addLook(after.id, look)
    const { model, alias, candidate, stable } = after
    const reason = after.decision?.reason ?? look?.sentence ?? ''
    if (after.state === 'promoted')
      await registry.setAlias(
        { model, alias, version: candidate, reason: `rollout ${after.id}: ${reason}`.slice(0, 2000), expected: stable, rollout: null },
        actor,
        tx,
      )
    else if (after.state === 'rolled-back') await releases.publish({ model, alias, rollout: null }, tx)
    else if (after.progress.stage !== before.progress.stage)
      await releases.publish({ model, alias, rollout: { ...candidateDocument, share: shareOf(after), stage: after.progress.stage } }, tx)
    if (evident) await inside.refuse({ model, alias, version: candidate, rollout: after.id, reason, at: now })
    const alert = alertOf({ before, after, reason, evident, mismatch, look })
    if (alert !== null) await alerts.raise(alert, tx)
    tell(tx, after)
    return after
  }

  const changeBy = async (id: RolloutId, event: RolloutEvent, actor: Actor): Promise<Rollout> => {
    const found = await store.get(id)
    if (found === undefined) throw new AppError('not_found', `there is no rollout ${id}`)
    const document = await documentOf(found)
    return transact(db, async (tx) => {
      const inside = rolloutStore(tx)
      return view(await apply(tx, must(await inside.get(id), 'the rollout'), event, actor, document), inside)
    })
  }

  /** Looks at the open batch and at the clock, and does what follows. */
  const look = async (id: RolloutId): Promise<void> => {
    const found = await store.get(id)
    if (found === undefined || !isActive(found.state)) return
    const version = await registry.getVersion(found.model, found.candidate)
    const document = await documentOf(found)
    await transact(db, async (tx) => {
      const inside = rolloutStore(tx)
      let rollout = must(await inside.get(id), 'the rollout')
      const now = clock.now()
      if (isActive(rollout.state) && version.revoked !== null) {
        await apply(
          tx,
          rollout,
          {
            type: 'rollback',
            by: nameOf(SYSTEM),
            reason: `version ${rollout.candidate} was revoked: ${version.revoked.reason}`.slice(0, 2000),
          },
          SYSTEM,
          document,
        )
        return
      }
      if (isActive(rollout.state) && rollout.batchOpened !== null) {
        const batch = await inside.tally(id, rollout.batch)
        const devices = (arm: 'candidate' | 'stable') => batch.fresh.outcomes[arm].devices + batch.again.outcomes[arm].devices
        // looks at devices and time, never at what they reported
        const full = devices('candidate') > 0 && devices('stable') > 0 && devices('candidate') + devices('stable') >= settings.batchDevices
        if (full || now - rollout.batchOpened >= settings.batchMs)
          rollout = await apply(tx, rollout, { type: 'batch', batch, at: now }, SYSTEM, document)
      }
      if (isActive(rollout.state)) await apply(tx, rollout, { type: 'time', at: now }, SYSTEM, document)
    })
  }

  /** The release document says what stands here, also where one of the two was restored from an older copy. */
  const mend = async (rollout: StoredRollout): Promise<void> => {
    const said = (await releases.current(rollout.model, rollout.alias))?.document.rollout
    if (said?.id === rollout.id && said.stage === rollout.progress.stage) return
    await releases.publish({ model: rollout.model, alias: rollout.alias, rollout: await documentOf(rollout) })
  }

  return {
    start: async ({ model, alias, candidate, mode, policy: given, reason }, actor) => {
      const policy = unwrap(checkPolicy(given ?? rolloutPolicy.parse({})))
      const version = await registry.getVersion(model, candidate)
      if (version.revoked !== null)
        throw new AppError('version_revoked', `${model} version ${candidate} was revoked (${version.revoked.reason}): choose another`)
      const stable = await registry.aliasTarget(model, alias)
      if (stable === undefined)
        throw new AppError(
          'conflict',
          `${model}@${alias} points at nothing, so there is nothing to compare with: set the alias to ${candidate} instead`,
        )
      if (stable === candidate) throw new AppError('conflict', `${model}@${alias} points at version ${candidate} already`)
      const created = clock.now()
      const rollout: StoredRollout = {
        ...startMachine({ mode, policy, created }),
        id: newId('rollout', random),
        model,
        alias,
        candidate,
        stable,
        salt: toHex(random.bytes(16)),
        reason,
        startedBy: nameOf(actor).slice(0, 200),
        ended: null,
        batch: 1,
        batchOpened: null,
      }
      const document = await documentOf(rollout)
      return transact(db, async (tx) => {
        const inside = rolloutStore(tx)
        const [running] = await inside.active({ model, alias })
        if (running !== undefined)
          throw new AppError(
            'conflict',
            `rollout ${running.id} of version ${running.candidate} runs on ${model}@${alias}: promote it or roll it back first`,
          )
        const refused = await inside.refused({ model, alias, version: candidate })
        if (refused !== undefined)
          throw new AppError(
            'conflict',
            `version ${candidate} was refused for ${model}@${alias} at ${new Date(refused.at).toISOString()} (${refused.reason}): register a better one`,
          )
        await inside.insert(rollout)
        const release = await releases.publish({ model, alias, rollout: document }, tx)
        if (release.document.stable.version !== stable)
          throw new AppError('conflict', `${model}@${alias} was moved to version ${release.document.stable.version} meanwhile: start again`)
        tell(tx, rollout)
        return view(rollout, inside)
      })
    },
    promote: (id, reason, actor) => changeBy(id, { type: 'promote', by: nameOf(actor).slice(0, 200), reason }, actor),
    rollback: (id, reason, actor) => changeBy(id, { type: 'rollback', by: nameOf(actor).slice(0, 200), reason }, actor),
    list: async ({ model }) => Promise.all((await store.list({ model, limit: MAX_LISTED })).map((rollout) => view(rollout))),
    get: async (id) => {
      const found = await store.get(id)
      if (found === undefined) throw new AppError('not_found', `there is no rollout ${id}`)
      return { rollout: await view(found), history: await store.looks(id) }
    },
    consumer: {
      prepare: outcomeRecorder(db, clock.now, ({ id }) => touched.add(id)),
      conclude: async () => {
        const due = [...touched]
        touched.clear()
        for (const id of due) await look(id)
      },
    },
    tick: async () => {
      for (const { id } of await store.active()) await look(id)
      for (const rollout of await store.active()) await mend(rollout)
    },
  }
}

type Change = { before: StoredRollout; after: StoredRollout; reason: string; evident: boolean; mismatch: boolean; look: Look | null }

/** What people are told of a change; null where it is no news. */
function alertOf({ before, after, reason, evident, mismatch, look }: Change): RaisedAlert | null {
  const name = `${after.model}@${after.alias}: version ${after.candidate}`
  const evidence = {
    rollout: after.id,
    model: after.model,
    alias: after.alias,
    candidate: after.candidate,
    stable: after.stable,
    by: after.decision?.by ?? null,
    look: look === null ? null : { ...look },
  }
  const base = { kind: 'rollback' as const, subject: after.model, detail: reason, evidence }
  if (after.state === 'rolled-back')
    return { ...base, severity: evident ? 'critical' : 'info', title: `${name} was rolled back`, cause: `rollback ${after.id}` }
  if (after.state === 'inconclusive' && before.state === 'running')
    return { ...base, severity: 'warning', title: `${name} is inconclusive`, cause: `inconclusive ${after.id}` }
  if (mismatch)
    return {
      ...base,
      severity: 'warning',
      title: `${name} is held: devices arrive in other shares than planned`,
      cause: `mismatch ${after.id}`,
    }
  return null
}
