import { canonicalJson } from '../../shared/core/canonical-json.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { RELEASE_LIFETIME_MS } from '../../shared/core/limits.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import { type ReleaseDocument, type ReleaseRollout, signRelease } from '../../shared/trust/release.ts'
import type { EventBus } from '../events.ts'
import { etagOf } from '../http/etag.ts'
import { registryStore } from '../registry/registry-store.ts'
import type { Db } from '../storage/database.ts'
import { afterCommit, within } from '../storage/transact.ts'
import { releaseStore } from './release-store.ts'
import type { Trust } from './signing-keys.ts'

export type Release = { readonly document: ReleaseDocument; readonly envelope: Envelope; readonly etag: string }

/** The signed documents that the fleet polls. */
export type Releases = {
  /**
   * Composes, signs and stores the next release document from what the registry says now. `rollout` is kept from the current one when it is left
   * out; one whose candidate has been revoked or has become the stable version ends. With `tx` (of `transact`) it becomes true with the rest
   * of that transaction. Fails with `not_found` when the alias points at nothing.
   */
  publish(input: { model: Slug; alias: Slug; rollout?: ReleaseRollout | null | undefined }, tx?: Db): Promise<Release>
  current(model: Slug, alias: Slug, tx?: Db): Promise<Release | undefined>
  /** Publishes anew what is in the second half of its life. Gives back how many were. */
  reissueExpiring(): Promise<number>
}

/** What a release document can list. */
const MAX_REVOKED = 1000

export type ReleasesOptions = { readonly db: Db; readonly clock: Clock; readonly trust: Trust; readonly events: EventBus }

export function createReleases({ db, clock, trust, events }: ReleasesOptions): Releases {
  const compose = async ({ model, alias, rollout }: Parameters<Releases['publish']>[0], tx: Db): Promise<Release> => {
    const registry = registryStore(tx)
    const target = await registry.aliasTarget(model, alias)
    const version = target === undefined ? undefined : await registry.version(model, target)
    if (!version) throw new AppError('not_found', `${model}@${alias} points at nothing: set the alias first`)
    const store = releaseStore(tx)
    const before = await store.current(model, alias)
    const kept = rollout === undefined && before ? (JSON.parse(before.document) as ReleaseDocument).rollout : (rollout ?? null)
    const revoked = await registry.revokedVersions(model)
    const ended = kept !== null && (revoked.includes(kept.candidate.version) || kept.candidate.version === version.version)
    const now = clock.now()
    const document: ReleaseDocument = {
      type: 'release',
      model,
      alias,
      sequence: (before?.sequence ?? 0) + 1,
      issued: now,
      expires: now + RELEASE_LIFETIME_MS,
      stable: { version: version.version, manifest: version.manifest },
      rollout: ended ? null : kept,
      revoked: revoked.slice(-MAX_REVOKED),
    }
    const envelope = await signRelease(document, [trust.release])
    const text = JSON.stringify(envelope)
    await store.insert({
      model,
      alias,
      sequence: document.sequence,
      issued: now,
      expires: document.expires,
      document: canonicalJson(document),
      envelope: text,
    })
    afterCommit(tx, () =>
      events.publish({
        type: 'release.published',
        subject: `${model}@${alias}`,
        data: { model, alias, sequence: document.sequence, stable: version.version, rollout: document.rollout },
      }),
    )
    return { document, envelope, etag: etagOf(text) }
  }

  const publish: Releases['publish'] = (input, tx) => within(db, tx, (inside) => compose(input, inside))
  return {
    publish,
    current: async (model, alias, tx) => {
      const row = await releaseStore(tx ?? db).current(model, alias)
      return (
        row && {
          document: JSON.parse(row.document) as ReleaseDocument,
          envelope: JSON.parse(row.envelope) as Envelope,
          etag: etagOf(row.envelope),
        }
      )
    },
    reissueExpiring: async () => {
      const expiring = await releaseStore(db).expiringBefore(clock.now() + RELEASE_LIFETIME_MS / 2)
      for (const { model, alias } of expiring) await publish({ model, alias })
      return expiring.length
    },
  }
}
