import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import { IDEMPOTENCY_LIFETIME_MS } from '../../shared/core/limits.ts'
import type { Db } from '../storage/database.ts'

type IdempotencyTables = { idempotency: { id: string; request: string; status: number; reply: string; created: number } }

export type StoredReply = { readonly status: number; readonly reply: string }

/** Answers of requests that carried an Idempotency-Key, kept so that the same request again has the same answer and no second effect. */
export type Idempotency = {
  /**
   * Runs `execute`, or gives the answer that an earlier call under this id had. `fingerprint` names the request's content and is asked for after
   * `execute` has read it. Two calls at the same time run one after the other. A failure is not kept: the request may be repeated.
   */
  once(id: string, fingerprint: () => Promise<string>, execute: () => Promise<StoredReply>): Promise<StoredReply>
}

const FORM = /^[\x21-\x7e]{1,200}$/

/** A header's value as an idempotency key. */
export function parseIdempotencyKey(header: string): string {
  if (FORM.test(header)) return header
  throw new AppError('invalid_input', 'the Idempotency-Key must be 1 to 200 visible ASCII characters', {
    issues: [{ where: 'header.idempotency-key', what: '1 to 200 visible ASCII characters' }],
  })
}

export function createIdempotency({ db: base, clock }: { readonly db: Db; readonly clock: Clock }): Idempotency {
  const db = base.withTables<IdempotencyTables>()
  const running = new Map<string, Promise<unknown>>()
  let lastSweep = clock.now()

  const sweep = async (now: number): Promise<void> => {
    if (now - lastSweep < IDEMPOTENCY_LIFETIME_MS / 24) return
    lastSweep = now
    await db
      .deleteFrom('idempotency')
      .where('created', '<=', now - IDEMPOTENCY_LIFETIME_MS)
      .execute()
  }
  const attempt = async (id: string, fingerprint: () => Promise<string>, execute: () => Promise<StoredReply>): Promise<StoredReply> => {
    const now = clock.now()
    const known = await db.selectFrom('idempotency').selectAll().where('id', '=', id).executeTakeFirst()
    if (known && known.created > now - IDEMPOTENCY_LIFETIME_MS) {
      if (known.request !== (await fingerprint()))
        throw new AppError('idempotency_conflict', 'this Idempotency-Key came with another body before: use a new key for a new request')
      return { status: known.status, reply: known.reply }
    }
    const { status, reply } = await execute()
    const row = { id, request: await fingerprint(), status, reply, created: now }
    await db
      .insertInto('idempotency')
      .values(row)
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute()
    await sweep(now)
    return { status, reply }
  }

  return {
    once: async (id, fingerprint, execute) => {
      for (let other = running.get(id); other; other = running.get(id)) await other.catch(() => {})
      const mine = attempt(id, fingerprint, execute)
      running.set(id, mine)
      try {
        return await mine
      } finally {
        running.delete(id)
      }
    },
  }
}
