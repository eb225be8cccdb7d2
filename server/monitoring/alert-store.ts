import type { Alert } from '../../shared/contract/monitoring.ts'
import type { AlertId } from '../../shared/core/ids.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import type { Db } from '../storage/database.ts'

type AlertRow = {
  id: string
  kind: string
  severity: string
  subject: string
  title: string
  detail: string
  evidence: string
  at: number
  cause: string | null
  acknowledged_at: number | null
  acknowledged_by: string | null
}
type Tables = { alerts: AlertRow }

const toAlert = (row: AlertRow): Alert => ({
  id: row.id as AlertId,
  kind: row.kind as Alert['kind'],
  severity: row.severity as Alert['severity'],
  subject: row.subject,
  title: row.title,
  detail: row.detail,
  evidence: JSON.parse(row.evidence) as JsonObject,
  at: row.at,
  acknowledged: row.acknowledged_at === null ? null : { at: row.acknowledged_at, by: row.acknowledged_by ?? '' },
})

export function createAlertStore(base: Db) {
  const db = base.withTables<Tables>()
  return {
    /** False where an alert of the same cause exists already. */
    insert: async (alert: Alert, cause: string | null): Promise<boolean> => {
      const { acknowledged: _, evidence, ...rest } = alert
      const row = { ...rest, evidence: JSON.stringify(evidence), cause, acknowledged_at: null, acknowledged_by: null }
      const inserted = await db
        .insertInto('alerts')
        .values(row)
        .onConflict((c) => c.column('cause').doNothing())
        .returning('id')
        .execute()
      return inserted.length > 0
    },
    byCause: async (cause: string): Promise<Alert | undefined> => {
      const row = await db.selectFrom('alerts').selectAll().where('cause', '=', cause).executeTakeFirst()
      return row && toAlert(row)
    },
    get: async (id: AlertId): Promise<Alert | undefined> => {
      const row = await db.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toAlert(row)
    },
    /** Newest first, after the alert at (at, id) where given. */
    list: async ({
      limit,
      after,
      kind,
    }: {
      limit: number
      after?: { at: number; id: string } | undefined
      kind?: string | undefined
    }): Promise<Alert[]> => {
      let query = db.selectFrom('alerts').selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(limit)
      if (kind !== undefined) query = query.where('kind', '=', kind)
      if (after !== undefined)
        query = query.where((e) => e.or([e('at', '<', after.at), e.and([e('at', '=', after.at), e('id', '<', after.id)])]))
      return (await query.execute()).map(toAlert)
    },
    /** The first acknowledgement stays. */
    acknowledge: async (id: AlertId, at: number, by: string): Promise<void> => {
      await db
        .updateTable('alerts')
        .set({ acknowledged_at: at, acknowledged_by: by })
        .where('id', '=', id)
        .where('acknowledged_at', 'is', null)
        .execute()
    },
  }
}
