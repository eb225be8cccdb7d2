import type { Clock } from '../../shared/core/clock.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { Access } from '../access/access-service.ts'
import type { EventBus, ServerEvent } from '../events.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type Db, probeWrite } from '../storage/database.ts'
import { eventStream } from './event-stream.ts'
import type { Handlers } from './register.ts'

export type ServerRoutesOptions = {
  readonly version: string
  readonly db: Db
  readonly blobs: BlobStore
  readonly access: Access
  readonly events: EventBus
  readonly clock: Clock
  /** Aborted when the server stops: open streams end. */
  readonly closing: AbortSignal
}

/** What the server says about itself, and the stream of what happens in it. */
export const serverRoutes = ({ version, db, blobs, access, events, clock, closing }: ServerRoutesOptions): Handlers => ({
  'info.get': async () => ({ name: 'shoal', version, time: clock.now(), apps: (await access.listApps()).map(({ app }) => app) }),
  'health.live': async () => ({ live: true }),
  'health.ready': async () => {
    const probes: Record<string, () => Promise<unknown>> = { database: () => probeWrite(db), blobs: () => blobs.check() }
    const issues = []
    for (const [where, probe] of Object.entries(probes)) {
      await probe().catch((thrown: unknown) => issues.push({ where, what: toAppError(thrown).message }))
    }
    if (closing.aborted) issues.push({ where: 'server', what: 'is stopping' })
    if (issues.length > 0) throw new AppError('unavailable', issues.map(({ where, what }) => `${where}: ${what}`).join('; '), { issues })
    return { ready: true, checks: Object.fromEntries(Object.keys(probes).map((name) => [name, 'ok'])) }
  },
  'events.listen': async ({ signal }) =>
    eventStream<ServerEvent>({ clock, signals: [signal, closing], subscribe: (send) => events.subscribe(send) }),
})
