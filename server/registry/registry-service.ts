import { createHash } from 'node:crypto'
import { must } from '../../shared/core/assert.ts'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError, toAppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { unwrap } from '../../shared/core/result.ts'
import type { AliasChange, ModelSummary, VersionSummary } from '../../shared/contract/registry.ts'
import type { Envelope } from '../../shared/trust/dsse.ts'
import { type Manifest, type ManifestDraft, MANIFEST_TYPE, manifest, manifestDraft, signManifest } from '../../shared/trust/manifest.ts'
import { parseDocument, parsePayload } from '../../shared/trust/parse-document.ts'
import type { ReleaseRollout } from '../../shared/trust/release.ts'
import type { Releases } from '../delivery/release-service.ts'
import type { Trust } from '../delivery/signing-keys.ts'
import type { EventBus } from '../events.ts'
import { type Actor, nameOf } from '../http/actor.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { Db } from '../storage/database.ts'
import { afterCommit, transact, within } from '../storage/transact.ts'
import { assertHoldsTogether, assertPiecesMatch } from './draft-check.ts'
import { aliasChangeOf, registryStore, type VersionRow, versionSummaryOf } from './registry-store.ts'

/** `rollout` goes into the release document that the change publishes; left out, the change is refused while a rollout runs. */
export type SetAlias = {
  model: Slug
  alias: Slug
  version: number
  reason: string
  expected?: number | null | undefined
  rollout?: ReleaseRollout | null
}

/** Models, their versions, and the aliases that point at them. Failures carry the codes that the contract lists. */
export type Registry = {
  /** Making a model that exists with the same description changes nothing. */
  createModel(input: { name: Slug; description: string }): Promise<ModelSummary>
  listModels(): Promise<ModelSummary[]>
  getModel(model: Slug): Promise<ModelSummary>
  listVersions(model: Slug): Promise<VersionSummary[]>
  getVersion(model: Slug, version: number): Promise<VersionSummary>
  /** Checks, completes, signs and stores a version; numbers are dense, per model. The same `request` again gives the version it made. */
  registerVersion(
    input: { model: Slug; draft: ManifestDraft; parent: number | null; request?: string | undefined },
    actor: Actor,
  ): Promise<VersionSummary>
  manifestOf(model: Slug, version: number): Promise<Manifest>
  /** A signed manifest by its digest. */
  envelopeOf(digest: Sha256): Promise<Envelope>
  /** Moves an alias and publishes the release document, together. With `tx` (of `transact`) as part of it. */
  setAlias(input: SetAlias, actor: Actor, tx?: Db): Promise<AliasChange>
  /** Back to what the alias pointed at before its last move, passing over revoked versions. */
  rollbackAlias(input: { model: Slug; alias: Slug; reason: string }, actor: Actor): Promise<AliasChange>
  aliasHistory(model: Slug, alias: Slug): Promise<AliasChange[]>
  aliasTarget(model: Slug, alias: Slug): Promise<number | undefined>
  /** Forbids a version everywhere and tells the fleet. */
  revokeVersion(input: { model: Slug; version: number; reason: string }, actor: Actor): Promise<VersionSummary>
}

export type RegistryOptions = {
  readonly db: Db
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly trust: Trust
  readonly releases: Releases
  readonly events: EventBus
}

const unknownModel = (model: string): AppError => new AppError('unknown_model', `there is no model ${model}`)
const unknownVersion = (model: string, version: number): AppError => new AppError('unknown_version', `${model} has no version ${version}`)

export function createRegistry({ db, blobs, clock, trust, releases, events }: RegistryOptions): Registry {
  const store = registryStore(db)

  const modelRow = async (model: Slug, at = store) => {
    const row = await at.model(model)
    if (!row) throw unknownModel(model)
    return row
  }
  const versionRow = async (model: Slug, version: number, at = store): Promise<VersionRow> => {
    await modelRow(model, at)
    const row = await at.version(model, version)
    if (!row) throw unknownVersion(model, version)
    return row
  }
  const summaryOf = async (row: VersionRow, at = store): Promise<VersionSummary> => versionSummaryOf(row, await at.aliases(row.model))

  const listModels = async (): Promise<ModelSummary[]> => {
    const [models, counts, aliases] = [await store.models(), await store.versionCounts(), await store.aliases()]
    return models.map((row) => {
      const count = counts.find((candidate) => candidate.model === row.name)
      const own = aliases.filter((alias) => alias.model === row.name)
      return {
        ...row,
        versions: Number(count?.versions ?? 0),
        latest: count?.latest ?? null,
        aliases: Object.fromEntries(own.map(({ alias, version }) => [alias, version])),
      }
    })
  }
  const getModel = async (model: Slug): Promise<ModelSummary> => {
    await modelRow(model)
    return must(
      (await listModels()).find((candidate) => candidate.name === model),
      `model ${model}`,
    )
  }

  const insertVersion = async (input: Parameters<Registry['registerVersion']>[0], tx: Db): Promise<VersionRow> => {
    const inside = registryStore(tx)
    const version = ((await inside.latestVersion(input.model)) ?? 0) + 1
    const document: Manifest = { ...input.draft, type: 'manifest', model: input.model, version, parent: input.parent, created: clock.now() }
    const digest = createHash('sha256').update(canonicalJson(document)).digest('hex') as Sha256
    const row: VersionRow = {
      model: input.model,
      version,
      manifest: digest,
      parent: input.parent,
      created: document.created,
      bytes: document.pieces.reduce((sum, piece) => sum + piece.bytes, 0),
      metrics: JSON.stringify(document.metrics),
      run: document.lineage.run,
      notes: document.lineage.notes,
      revoked_at: null,
      revoked_reason: null,
      request: input.request ?? null,
    }
    await inside.insertManifest(digest, JSON.stringify(await signManifest(document, [trust.targets])))
    await inside.insertVersion(row)
    return row
  }

  const setAlias: Registry['setAlias'] = ({ model, alias, version, reason, expected, rollout }, actor, outer) =>
    within(db, outer, async (tx) => {
      const inside = registryStore(tx)
      const target = await versionRow(model, version, inside)
      if (target.revoked_at !== null)
        throw new AppError('version_revoked', `${model} version ${version} was revoked (${target.revoked_reason ?? ''}): choose another`)
      const from = (await inside.aliasTarget(model, alias)) ?? null
      if (expected !== undefined && expected !== from)
        throw new AppError(
          'precondition_failed',
          `${model}@${alias} points at ${from ?? 'nothing'}, you expected ${expected ?? 'nothing'}: read it again`,
        )
      const running = rollout === undefined ? (await releases.current(model, alias, tx))?.document.rollout : undefined
      if (running) throw new AppError('conflict', `rollout ${running.id} runs on ${model}@${alias}: promote it or roll it back first`)
      const change: AliasChange = { alias, from, to: version, at: clock.now(), by: nameOf(actor).slice(0, 200), reason }
      await inside.moveAlias({ model, alias, version }, change)
      await releases.publish({ model, alias, rollout }, tx)
      afterCommit(tx, () => events.publish({ type: 'alias.changed', subject: `${model}@${alias}`, data: { model, ...change } }))
      return change
    })

  return {
    createModel: async ({ name, description }) => {
      await store.insertModel({ name, description, created: clock.now() })
      const found = await getModel(name)
      if (found.description !== description) throw new AppError('already_exists', `model ${name} exists with another description`)
      return found
    },
    listModels,
    getModel,
    listVersions: async (model) => {
      await modelRow(model)
      const aliases = await store.aliases(model)
      return (await store.versions(model)).map((row) => versionSummaryOf(row, aliases))
    },
    getVersion: async (model, version) => summaryOf(await versionRow(model, version)),
    registerVersion: async (input, actor) => {
      const { model, parent, request } = input
      const draft = parseDraft(input.draft)
      await modelRow(model)
      const known = request === undefined ? undefined : await store.versionByRequest(request)
      if (known) return summaryOf(known)
      if (parent !== null) await versionRow(model, parent)
      for (const delta of draft.deltas) await versionRow(model, delta.from)
      assertHoldsTogether(draft)
      await assertPiecesMatch(draft, blobs)
      return transact(db, async (tx) => {
        const row = await insertVersion({ ...input, draft }, tx)
        afterCommit(tx, () =>
          events.publish({
            type: 'version.registered',
            subject: model,
            data: { model, version: row.version, manifest: row.manifest, run: row.run, by: nameOf(actor) },
          }),
        )
        return summaryOf(row, registryStore(tx))
      })
    },
    manifestOf: async (model, version) => {
      const { manifest: digest } = await versionRow(model, version)
      const envelope: unknown = JSON.parse(must(await store.manifest(digest), `manifest ${digest}`))
      const parsed = parseDocument(envelope, MANIFEST_TYPE, manifest)
      if (!parsed.ok)
        throw new AppError(
          'damaged_data',
          `the stored manifest of ${model} version ${version} does not parse: ${toAppError(parsed.error).detail}`,
        )
      return parsed.value
    },
    envelopeOf: async (digest) => {
      const text = await store.manifest(digest)
      if (text === undefined) throw new AppError('not_found', `there is no manifest ${digest}`)
      return JSON.parse(text) as Envelope
    },
    setAlias,
    rollbackAlias: ({ model, alias, reason }, actor) =>
      transact(db, async (tx) => {
        const inside = registryStore(tx)
        await modelRow(model, inside)
        const now = await inside.aliasTarget(model, alias)
        if (now === undefined) throw new AppError('not_found', `${model} has no alias ${alias}`)
        const before = await versionBefore(inside, model, alias, now)
        if (before === undefined) throw new AppError('conflict', `${model}@${alias} has pointed at no other version that is not revoked`)
        return setAlias({ model, alias, version: before, reason, expected: now }, actor, tx)
      }),
    aliasHistory: async (model, alias) => {
      await modelRow(model)
      const rows = await store.aliasHistory(model, alias)
      if (rows.length === 0) throw new AppError('not_found', `${model} has no alias ${alias}`)
      return rows.map(aliasChangeOf)
    },
    aliasTarget: (model, alias) => store.aliasTarget(model, alias),
    revokeVersion: ({ model, version, reason }) =>
      transact(db, async (tx) => {
        const inside = registryStore(tx)
        await versionRow(model, version, inside)
        const aliases = await inside.aliases(model)
        const pointing = aliases.filter((alias) => alias.version === version).map((alias) => alias.alias)
        if (pointing.length > 0)
          throw new AppError('conflict', `${pointing.join(', ')} points at ${model} version ${version}: move it first`)
        await inside.revokeVersion(model, version, clock.now(), reason)
        for (const { alias } of aliases) await releases.publish({ model, alias }, tx)
        return summaryOf(await versionRow(model, version, inside), inside)
      }),
  }
}

/** Also a draft from our own pipelines goes through the schema: what is signed once cannot be taken back from the devices. */
function parseDraft(draft: ManifestDraft): ManifestDraft {
  let text: string
  try {
    text = canonicalJson(draft)
  } catch (cause) {
    throw new AppError('invalid_document', `the draft has a value that JSON cannot say: ${toAppError(cause).detail}`, { cause })
  }
  return unwrap(parsePayload(text, manifestDraft))
}

/** What an alias pointed at most recently that is neither `now` nor revoked. A rollback of a rollback goes further back, not forth again. */
async function versionBefore(store: ReturnType<typeof registryStore>, model: Slug, alias: Slug, now: number): Promise<number | undefined> {
  const revoked = new Set(await store.revokedVersions(model))
  const stack: number[] = []
  // oldest first: going back to a version takes everything after it off the stack
  for (const { to_version: to } of (await store.aliasHistory(model, alias)).reverse()) {
    const at = stack.lastIndexOf(to)
    if (at >= 0) stack.length = at
    stack.push(to)
  }
  return stack.slice(0, stack.lastIndexOf(now)).findLast((version) => !revoked.has(version))
}
