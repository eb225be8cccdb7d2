import type { Client } from '../../shared/contract/client.ts'
import { type AppError, type ErrorCode, toAppError } from '../../shared/core/errors.ts'
import { slug } from '../../shared/core/fields.ts'
import type { DeviceStorage, OutboxItem } from './storage/device-storage.ts'
import type { Identity } from './identity.ts'
import type { Locks } from './locks.ts'

/** What a device keeps unsent: about a week of hourly reports, or 200 examples. Then the oldest goes, and is counted. */
const MAX_ITEMS = 400
/** Reports or examples in one request. Below the server's limits of 32 and 256, and small enough for a poor line. */
const BATCH = 16

export type SendResult = { readonly sent: number; readonly refused: readonly string[]; readonly error: AppError | null }

export type Outbox = {
  /** Sends everything in order of arrival, one tab at a time. Never throws: what cannot be sent waits. */
  send(): Promise<SendResult>
  /** Deletes what is over the cap, oldest first. Call it after adding. */
  trim(): Promise<void>
  /** Deletes all of a kind: what the person no longer agrees to. */
  discard(kind: OutboxItem['kind']): Promise<void>
  /** How many items found no room since the last call. */
  takeDropped(): Promise<number>
}

/** Codes that speak of the item itself: it will never be taken. Everything else may be a server that is not itself, and the item waits. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'malformed_json',
  'invalid_input',
  'body_too_large',
  'invalid_document',
  'shape_mismatch',
  'unknown_model',
  'unknown_version',
])

const DROPPED = 'dropped'
const asCount = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** The queue of what leaves this device. It survives restarts; the server counts a repeated item once. */
export function createOutbox({
  storage,
  client,
  identity,
  locks,
}: {
  storage: DeviceStorage
  client: Client
  identity: Identity
  locks: Locks
}): Outbox {
  /** How many of `items` the server did not want, and why. Throws where none of them was looked at. */
  async function post(items: readonly OutboxItem[]): Promise<string[]> {
    const reports = items.flatMap((item) => (item.kind === 'report' ? [item.body] : []))
    if (reports.length > 0) {
      const { refused } = await client('reports.send', { body: { reports } })
      return refused.map(({ why }) => why)
    }
    const [first] = items
    if (first?.kind !== 'example') return []
    const examples = items.flatMap((item) => (item.kind === 'example' ? [item.body] : []))
    await client('examples.share', { params: { model: slug.parse(first.model) }, body: { examples } })
    return []
  }

  /** A batch that the server refuses as a whole is sent one by one, so that one bad item cannot hold up the others for ever. */
  async function deliver(items: readonly OutboxItem[]): Promise<string[]> {
    try {
      return await post(items)
    } catch (thrown) {
      const error = toAppError(thrown)
      if (!REFUSED.has(error.code)) throw error
      if (items.length === 1) return [`${error.code}: ${error.detail}`]
      const reasons: string[] = []
      for (const item of items) reasons.push(...(await deliver([item])))
      return reasons
    }
  }

  /** Items of one kind and model from the front of the queue: what one request can carry. */
  function batchOf(items: readonly OutboxItem[]): OutboxItem[] {
    const [first] = items
    const alike = (item: OutboxItem) =>
      item.kind === first?.kind && (item.kind !== 'example' || first.kind !== 'example' || item.model === first.model)
    const end = items.findIndex((item) => !alike(item))
    return items.slice(0, Math.min(BATCH, end === -1 ? items.length : end))
  }

  async function sendAll(): Promise<SendResult> {
    let sent = 0
    const refused: string[] = []
    let registeredAnew = false
    for (;;) {
      const batch = batchOf(await storage.outbox(BATCH))
      if (batch.length === 0) return { sent, refused, error: null }
      try {
        await identity.register(client)
        refused.push(...(await deliver(batch)))
        await storage.dropFromOutbox(batch.map(({ id }) => id))
        sent += batch.length
      } catch (thrown) {
        const error = toAppError(thrown)
        if (error.status === 401 && !registeredAnew) {
          registeredAnew = true
          const failed = await identity.register(client, { anew: true }).then(() => null, toAppError)
          if (failed === null) continue
        }
        return { sent, refused, error }
      }
    }
  }

  return {
    send: () => locks.hold('shoal:outbox', sendAll).catch((thrown: unknown) => ({ sent: 0, refused: [], error: toAppError(thrown) })),
    async trim() {
      const over = (await storage.outboxSize()) - MAX_ITEMS
      if (over <= 0) return
      const oldest = await storage.outbox(over)
      await storage.dropFromOutbox(oldest.map(({ id }) => id))
      await storage.updateSetting(DROPPED, (value) => asCount(value) + oldest.length)
    },
    async discard(kind) {
      const items = await storage.outbox(2 * MAX_ITEMS)
      await storage.dropFromOutbox(items.filter((item) => item.kind === kind).map(({ id }) => id))
    },
    async takeDropped() {
      let count = 0
      await storage.updateSetting(DROPPED, (value) => {
        count = asCount(value)
        return undefined
      })
      return count
    },
  }
}
