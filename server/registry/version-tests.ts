import type { Rollout } from '../../shared/contract/rollouts.ts'
import type { ApiCheck, ApiTestKind, VersionTest } from '../../shared/contract/version-tests.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { type Actor, nameOf } from '../http/actor.ts'
import type { Handlers } from '../http/register.ts'
import type { Db } from '../storage/database.ts'
import { transact } from '../storage/transact.ts'
import type { Registry } from './registry-service.ts'
import { versionTestStore } from './version-test-store.ts'

export type VersionTestOptions = {
  readonly db: Db
  readonly clock: Clock
  /** Throws unknown_model, unknown_version. */
  readonly version: Registry['getVersion']
  readonly rollouts: (model: Slug) => Promise<Rollout[]>
}

type NewTest = {
  readonly kind: ApiTestKind
  readonly checks: readonly ApiCheck[]
  readonly figures: Readonly<Record<string, number>>
}

/** Tests of one version that are listed. */
const MAX_LISTED = 200

const passed = (checks: readonly ApiCheck[]): boolean => checks.every(({ ok }) => ok)

/** A rollout is the test that devices put a version to. Promoted is passed, rolled back is failed, all else has no result. */
function canaryOf({ id, mode, state, created, ended, decision, evidence }: Rollout): VersionTest {
  const ok = state === 'promoted' ? true : state === 'rolled-back' ? false : null
  const what = [state, decision?.reason ?? evidence?.sentence].filter((part) => part !== undefined).join(': ')
  return {
    kind: 'canary',
    at: ended ?? created,
    by: decision?.by ?? 'shoal',
    ok,
    checks: ok === null ? [] : [{ check: `${mode} ${id}`, ok, what: what.slice(0, 1000) }],
    figures: evidence === null ? {} : { devices: evidence.candidate.devices, bad: evidence.candidate.bad },
  }
}

/** What versions were put to, kept with them. */
export function createVersionTests({ db, clock, version: versionOf, rollouts }: VersionTestOptions) {
  return {
    async record(model: Slug, version: number, { kind, checks, figures }: NewTest, actor: Actor): Promise<VersionTest> {
      await versionOf(model, version)
      const [at, by] = [clock.now(), nameOf(actor).slice(0, 200)]
      await transact(db, (tx) =>
        versionTestStore(tx).add({ model, version, kind, at, by, checks: JSON.stringify(checks), figures: JSON.stringify(figures) }),
      )
      return { kind, at, by, ok: passed(checks), checks: [...checks], figures: { ...figures } }
    },

    async list(model: Slug, version: number): Promise<VersionTest[]> {
      await versionOf(model, version)
      const rows = await versionTestStore(db).newest(model, version, MAX_LISTED)
      const recorded = rows.map(({ kind, at, by, checks: text, figures }): VersionTest => {
        const checks = JSON.parse(text) as ApiCheck[]
        return { kind, at, by, ok: passed(checks), checks, figures: JSON.parse(figures) as Record<string, number> }
      })
      const canaries = (await rollouts(model)).filter(({ candidate }) => candidate === version).map(canaryOf)
      return [...recorded, ...canaries].sort((a, b) => b.at - a.at)
    },
  }
}

export type VersionTests = ReturnType<typeof createVersionTests>

export function versionTestRoutes(tests: VersionTests): Handlers {
  return {
    'versions.tests': async ({ params }) => ({ items: await tests.list(params.model, params.version) }),
    'versions.record-test': ({ params, body, actor }) => tests.record(params.model, params.version, body, actor),
  }
}
