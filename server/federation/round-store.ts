import type { Round as RoundView, TrainingPlan } from '../../shared/contract/federation.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { LeaseId, RoundId, Slug } from '../../shared/core/ids.ts'
import type { Round } from '../../shared/federated/round.ts'
import type { Db } from '../storage/database.ts'

export type StoredRound = Round & {
  readonly id: RoundId
  readonly model: Slug
  readonly plan: TrainingPlan
  readonly opened: number
  readonly refused: Readonly<Record<string, number>>
  readonly result: Sha256 | null
}
export type Lease = {
  readonly id: LeaseId
  readonly round: RoundId
  readonly device: string
  readonly expires: number
  readonly state: 'out' | 'accepted' | 'refused'
  readonly digest: Sha256 | null
  readonly examples: number | null
  readonly norm: number | null
}

type RoundRow = Omit<StoredRound, 'plan' | 'refused'> & { plan: string; refused: string }
type Tables = { rounds: RoundRow; leases: Lease; round_updates: { lease: LeaseId; round: RoundId; body: Uint8Array } }

const read = (row: RoundRow): StoredRound => ({
  ...row,
  plan: JSON.parse(row.plan) as TrainingPlan,
  refused: JSON.parse(row.refused) as Record<string, number>,
})
const written = (round: StoredRound): RoundRow => ({ ...round, plan: JSON.stringify(round.plan), refused: JSON.stringify(round.refused) })

/** Over the database or over a transaction. */
export function roundStore(base: Db) {
  const db = base.withTables<Tables>()
  const leaseCount = async (round: RoundId): Promise<number> =>
    Number(
      (
        await db
          .selectFrom('leases')
          .select((e) => e.fn.countAll<number>().as('n'))
          .where('round', '=', round)
          .executeTakeFirst()
      )?.n ?? 0,
    )
  return {
    insert: async (round: StoredRound): Promise<void> => void (await db.insertInto('rounds').values(written(round)).execute()),
    update: async (round: StoredRound): Promise<void> => {
      const { id, ...rest } = written(round)
      await db.updateTable('rounds').set(rest).where('id', '=', id).execute()
    },
    get: async (id: RoundId): Promise<StoredRound | undefined> => {
      const row = await db.selectFrom('rounds').selectAll().where('id', '=', id).executeTakeFirst()
      return row && read(row)
    },
    /** Rounds that have not ended, of one model or of all. */
    active: async (model?: Slug): Promise<StoredRound[]> => {
      let query = db.selectFrom('rounds').selectAll().where('ended', 'is', null).orderBy('opened')
      if (model !== undefined) query = query.where('model', '=', model)
      return (await query.execute()).map(read)
    },
    /** Newest first. */
    list: async ({ model, limit }: { model?: Slug | undefined; limit: number }): Promise<StoredRound[]> => {
      let query = db.selectFrom('rounds').selectAll().orderBy('opened', 'desc').orderBy('id', 'desc').limit(limit)
      if (model !== undefined) query = query.where('model', '=', model)
      return (await query.execute()).map(read)
    },
    view: async (round: StoredRound): Promise<RoundView> => {
      const { id, state, plan, opened, deadline, ended, wanted, minimum, accepted, refused, result, why } = round
      return {
        id,
        state,
        plan,
        opened,
        deadline,
        ended,
        wanted,
        minimum,
        leases: await leaseCount(id),
        accepted,
        refused: { ...refused },
        result,
        why: why?.slice(0, 500) ?? null,
      }
    },

    insertLease: async (lease: Lease): Promise<void> => void (await db.insertInto('leases').values(lease).execute()),
    updateLease: async ({ id, ...rest }: Lease): Promise<void> =>
      void (await db.updateTable('leases').set(rest).where('id', '=', id).execute()),
    lease: async (id: LeaseId): Promise<Lease | undefined> => db.selectFrom('leases').selectAll().where('id', '=', id).executeTakeFirst(),
    leaseOf: async (round: RoundId, device: string): Promise<Lease | undefined> =>
      db.selectFrom('leases').selectAll().where('round', '=', round).where('device', '=', device).executeTakeFirst(),
    /** Leases that are still good at `now` and have brought nothing yet. */
    outstanding: async (round: RoundId, now: number): Promise<number> =>
      Number(
        (
          await db
            .selectFrom('leases')
            .select((e) => e.fn.countAll<number>().as('n'))
            .where('round', '=', round)
            .where('state', '=', 'out')
            .where('expires', '>', now)
            .executeTakeFirst()
        )?.n ?? 0,
      ),
    /** Accepted leases in the order in which they are aggregated: the same however they came. */
    accepted: async (round: RoundId): Promise<Lease[]> =>
      db.selectFrom('leases').selectAll().where('round', '=', round).where('state', '=', 'accepted').orderBy('id').execute(),

    putUpdate: async (lease: LeaseId, round: RoundId, body: Uint8Array): Promise<void> =>
      void (await db.insertInto('round_updates').values({ lease, round, body }).execute()),
    updateBody: async (lease: LeaseId): Promise<Uint8Array | undefined> =>
      (await db.selectFrom('round_updates').select('body').where('lease', '=', lease).executeTakeFirst())?.body,
    dropUpdates: async (round: RoundId): Promise<void> => void (await db.deleteFrom('round_updates').where('round', '=', round).execute()),
  }
}
