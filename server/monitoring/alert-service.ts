import type { Alert } from '../../shared/contract/monitoring.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { type AlertId, isId, newId } from '../../shared/core/ids.ts'
import type { Random } from '../../shared/core/random.ts'
import { type Actor, nameOf } from '../http/actor.ts'
import type { EventBus } from '../events.ts'
import type { Db } from '../storage/database.ts'
import { afterCommit, within } from '../storage/transact.ts'
import { createAlertStore } from './alert-store.ts'

export type RaisedAlert = Pick<Alert, 'kind' | 'severity' | 'subject' | 'title' | 'detail' | 'evidence'> & {
  /** Names the cause where it must be told of once only, however often it is found: a second alert of the same cause is the first one. */
  readonly cause?: string
}

export type Alerts = {
  /** Stores the alert, then tells whoever listens. With `tx` (of `transact`) as part of it. */
  raise(alert: RaisedAlert, tx?: Db): Promise<Alert>
  list(query: {
    limit: number
    cursor?: string | undefined
    kind?: Alert['kind'] | undefined
  }): Promise<{ items: Alert[]; next: string | null }>
  acknowledge(id: AlertId, actor: Actor): Promise<Alert>
}

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

function parseCursor(cursor: string): { at: number; id: string } {
  const [at, id] = cursor.split('.')
  if (!/^[0-9]{1,16}$/.test(at ?? '') || !isId('alert', id))
    throw new AppError('invalid_input', 'cursor is not one that this list gave', {
      issues: [{ where: 'cursor', what: 'pass `next` of the page before' }],
    })
  return { at: Number(at), id }
}

export function createAlerts({ db, clock, random, events }: { db: Db; clock: Clock; random: Random; events: EventBus }): Alerts {
  const store = createAlertStore(db)
  return {
    raise: async ({ cause, ...raised }, tx) => {
      const alert: Alert = {
        ...raised,
        subject: cut(raised.subject, 200),
        title: cut(raised.title, 300),
        detail: cut(raised.detail, 4000),
        id: newId('alert', random),
        at: clock.now(),
        acknowledged: null,
      }
      const { id, kind, severity, subject, title } = alert
      return within(db, tx, async (inside) => {
        const store = createAlertStore(inside)
        if (!(await store.insert(alert, cause ?? null))) return (await store.byCause(cause ?? '')) ?? alert
        afterCommit(inside, () => events.publish({ type: 'alert.raised', subject, data: { alert: id, kind, severity, subject, title } }))
        return alert
      })
    },
    list: async ({ limit, cursor, kind }) => {
      const rows = await store.list({ limit: limit + 1, after: cursor === undefined ? undefined : parseCursor(cursor), kind })
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return { items, next: rows.length > limit && last !== undefined ? `${last.at}.${last.id}` : null }
    },
    acknowledge: async (id, actor) => {
      await store.acknowledge(id, clock.now(), nameOf(actor).slice(0, 200))
      const alert = await store.get(id)
      if (alert === undefined) throw new AppError('not_found', `there is no alert ${id}`)
      return alert
    },
  }
}
