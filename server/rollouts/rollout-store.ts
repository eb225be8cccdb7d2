import type { Rollout, RolloutEvidence as Look, RolloutPolicy } from '../../shared/contract/rollouts.ts'
import type { RolloutId, Slug } from '../../shared/core/ids.ts'
import { type DeviceTally, deviceTally } from '../../shared/stats/rollout-evidence.ts'
import type { Db } from '../storage/database.ts'
import { type ClosedBatch, isActive, type Machine, type Progress, type Stratum } from './rollout.ts'

export type StoredRollout = Machine & {
  readonly id: RolloutId
  readonly model: Slug
  readonly alias: Slug
  readonly candidate: number
  readonly stable: number
  readonly salt: string
  readonly reason: string
  readonly startedBy: string
  readonly ended: number | null
  /** The open batch: its number, and when its first device reported. */
  readonly batch: number
  readonly batchOpened: number | null
}

type RolloutRow = {
  id: RolloutId
  model: Slug
  alias: Slug
  mode: Rollout['mode']
  candidate: number
  stable: number
  salt: string
  policy: string
  reason: string
  started_by: string
  created: number
  ended: number | null
  state: Rollout['state']
  progress: string
  batch: number
  batch_opened: number | null
}
export type DeviceRow = {
  rollout: RolloutId
  device: string
  /** `candidate`, or `stable N` for each stage N: a device has one window in each. */
  part: string
  /** 1: heard of in an earlier stage already. */
  again: number
  batch: number
  arm: 'candidate' | 'stable'
  bad: number
  self_rollback: number
  counted: number
}
type Tables = {
  rollouts: RolloutRow
  rollout_devices: DeviceRow
  rollout_looks: { rollout: RolloutId; number: number; look: string }
  rollout_refused: { model: Slug; alias: Slug; version: number; rollout: RolloutId; reason: string; at: number }
}

/** Policy, memory and decision lie together: one JSON text each would tear nothing apart either, but nothing asks for their parts. */
type Memory = { readonly progress: Progress; readonly decision: Rollout['decision'] }

function read(row: RolloutRow): StoredRollout {
  const { progress, decision } = JSON.parse(row.progress) as Memory
  const { id, model, alias, mode, candidate, stable, salt, reason, created, ended, state, batch } = row
  return {
    id,
    model,
    alias,
    mode,
    candidate,
    stable,
    salt,
    reason,
    created,
    ended,
    state,
    batch,
    policy: JSON.parse(row.policy) as RolloutPolicy,
    progress,
    decision,
    startedBy: row.started_by,
    batchOpened: row.batch_opened,
  }
}

function written(rollout: StoredRollout): RolloutRow {
  const { policy, progress, decision, startedBy, batchOpened, ...rest } = rollout
  return {
    ...rest,
    policy: JSON.stringify(policy),
    progress: JSON.stringify({ progress, decision } satisfies Memory),
    started_by: startedBy,
    batch_opened: batchOpened,
  }
}

/** Over the database or over a transaction. */
export function rolloutStore(base: Db) {
  const db = base.withTables<Tables>()
  return {
    insert: async (rollout: StoredRollout): Promise<void> => void (await db.insertInto('rollouts').values(written(rollout)).execute()),
    update: async (rollout: StoredRollout): Promise<void> => {
      const { id, ...rest } = written(rollout)
      await db.updateTable('rollouts').set(rest).where('id', '=', id).execute()
    },
    get: async (id: RolloutId): Promise<StoredRollout | undefined> => {
      const row = await db.selectFrom('rollouts').selectAll().where('id', '=', id).executeTakeFirst()
      return row && read(row)
    },
    active: async (of: { model?: Slug; alias?: Slug } = {}): Promise<StoredRollout[]> => {
      let query = db.selectFrom('rollouts').selectAll().where('ended', 'is', null).orderBy('created')
      if (of.model !== undefined) query = query.where('model', '=', of.model)
      if (of.alias !== undefined) query = query.where('alias', '=', of.alias)
      return (await query.execute()).map(read).filter(({ state }) => isActive(state))
    },
    /** Newest first. */
    list: async ({ model, limit }: { model?: Slug | undefined; limit: number }): Promise<StoredRollout[]> => {
      let query = db.selectFrom('rollouts').selectAll().orderBy('created', 'desc').orderBy('id', 'desc').limit(limit)
      if (model !== undefined) query = query.where('model', '=', model)
      return (await query.execute()).map(read)
    },

    /** All windows of one device. */
    device: async (rollout: RolloutId, device: string): Promise<DeviceRow[]> =>
      db.selectFrom('rollout_devices').selectAll().where('rollout', '=', rollout).where('device', '=', device).execute(),
    putDevice: async (row: DeviceRow): Promise<void> => {
      const { bad, self_rollback } = row
      await db
        .insertInto('rollout_devices')
        .values(row)
        .onConflict((c) => c.columns(['rollout', 'device', 'part']).doUpdateSet({ bad, self_rollback }))
        .execute()
    },
    /** The devices of one batch that count. */
    tally: async (rollout: RolloutId, batch: number): Promise<ClosedBatch> => {
      const rows = await db
        .selectFrom('rollout_devices')
        .select((e) => [
          'arm',
          'again',
          e.fn.countAll<number>().as('devices'),
          e.fn.sum<number>('bad').as('bad'),
          e.fn.sum<number>('self_rollback').as('left'),
        ])
        .where('rollout', '=', rollout)
        .where('batch', '=', batch)
        .where('counted', '=', 1)
        .groupBy(['arm', 'again'])
        .execute()
      const stratum = (again: number): Stratum => {
        const of = (arm: DeviceRow['arm'], part: 'bad' | 'left'): DeviceTally => {
          const row = rows.find((one) => one.arm === arm && one.again === again)
          return deviceTally({ devices: Number(row?.devices ?? 0), bad: Number(row?.[part] ?? 0) })
        }
        return {
          outcomes: { candidate: of('candidate', 'bad'), stable: of('stable', 'bad') },
          selfRollbacks: { candidate: of('candidate', 'left'), stable: of('stable', 'left') },
        }
      }
      return { fresh: stratum(0), again: stratum(1) }
    },

    addLook: async (rollout: RolloutId, look: Look): Promise<void> => {
      const last = await db
        .selectFrom('rollout_looks')
        .select((e) => e.fn.max('number').as('number'))
        .where('rollout', '=', rollout)
        .executeTakeFirst()
      await db
        .insertInto('rollout_looks')
        .values({ rollout, number: Number(last?.number ?? 0) + 1, look: JSON.stringify(look) })
        .execute()
    },
    looks: async (rollout: RolloutId): Promise<Look[]> =>
      (await db.selectFrom('rollout_looks').select('look').where('rollout', '=', rollout).orderBy('number').execute()).map(
        ({ look }) => JSON.parse(look) as Look,
      ),
    lastLook: async (rollout: RolloutId): Promise<Look | null> => {
      const row = await db
        .selectFrom('rollout_looks')
        .select('look')
        .where('rollout', '=', rollout)
        .orderBy('number', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ? (JSON.parse(row.look) as Look) : null
    },

    refuse: async (row: Tables['rollout_refused']): Promise<void> =>
      void (await db
        .insertInto('rollout_refused')
        .values(row)
        .onConflict((c) => c.columns(['model', 'alias', 'version']).doNothing())
        .execute()),
    refused: async ({
      model,
      alias,
      version,
    }: {
      model: Slug
      alias: Slug
      version: number
    }): Promise<{ reason: string; at: number } | undefined> =>
      db
        .selectFrom('rollout_refused')
        .select(['reason', 'at'])
        .where('model', '=', model)
        .where('alias', '=', alias)
        .where('version', '=', version)
        .executeTakeFirst(),
  }
}
