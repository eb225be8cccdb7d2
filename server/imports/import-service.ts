import type { ImportedVersion } from '../../shared/contract/imports.ts'
import { canonicalJson } from '../../shared/core/canonical-json.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { unwrap } from '../../shared/core/result.ts'
import { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES } from '../../shared/core/limits.ts'
import { type ManifestDraft, manifestDraft } from '../../shared/trust/manifest.ts'
import { parsePayload } from '../../shared/trust/parse-document.ts'
import { connectWorker, type WorkerLike } from '../../shared/worker/connect-worker.ts'
import type { Actor } from '../http/actor.ts'
import { assertHoldsTogether } from '../registry/draft-check.ts'
import type { Registry } from '../registry/registry-service.ts'
import { nodeThread } from '../serving/node-thread.ts'
import { type BlobStore, unknownBlob } from '../storage/blob-store.ts'
import { IMPORT_PROTOCOL, type ImportApi, type ImportRequest } from './import-api.ts'

export type ImportInput = Omit<ImportRequest, 'files'> & {
  readonly model: Slug
  readonly files: readonly { readonly name: string; readonly digest: Sha256 }[]
  readonly notes: string
  readonly errorRate: number
  readonly errorBound?: number | undefined
  readonly latencyCeilingMs: number
  readonly parent?: number | null | undefined
  readonly request?: string | undefined
}

export type Imports = {
  /** Registers a version from uploaded files; see the contract for what it throws. */
  create(input: ImportInput, actor: Actor): Promise<ImportedVersion>
  close(): void
}

export type ImportDeps = {
  readonly registry: Pick<Registry, 'aliasTarget' | 'createModel' | 'getModel' | 'manifestOf' | 'registerVersion'>
  readonly blobs: Pick<BlobStore, 'put' | 'read' | 'size'>
  readonly clock: Clock
  readonly spawn?: () => WorkerLike
  /** After which a file counts as one that never ends. */
  readonly timeoutMs?: number
}

const STABLE = 'stable' as Slug
const MEMORY_MB = 2048

/** Reads model files in a thread that lives as long as one import: nothing that a file did stays behind. */
export function createImports({ registry, blobs, clock, spawn, timeoutMs = 120_000 }: ImportDeps): Imports {
  const running = new Set<{ dispose(): void }>()

  async function read(request: ImportRequest) {
    const thread = connectWorker<ImportApi>({
      spawn: spawn ?? (() => nodeThread(new URL('./import-worker.ts', import.meta.url), { memoryMb: MEMORY_MB })),
      protocol: IMPORT_PROTOCOL,
      clock,
      timeoutMs,
    })
    running.add(thread)
    try {
      return await thread.call('read', [request], { moves: request.files })
    } finally {
      running.delete(thread)
      thread.dispose()
    }
  }

  async function filesOf(files: ImportInput['files']): Promise<ImportRequest['files']> {
    let total = 0
    for (const { digest } of files) {
      const size = await blobs.size(digest)
      if (size === undefined) throw unknownBlob(digest)
      total += size
    }
    if (total > MAX_BLOB_BYTES)
      throw new AppError('body_too_large', `the files have ${total} bytes together, at most ${MAX_BLOB_BYTES} (256 MiB) are taken`)
    return Promise.all(files.map(async ({ name, digest }) => ({ name, bytes: await blobs.read(digest) })))
  }

  /** Makes the model where there is none. */
  async function ensureModel(model: Slug): Promise<void> {
    const known = await registry.getModel(model).catch((thrown: unknown) => {
      if (thrown instanceof AppError && thrown.code === 'unknown_model') return undefined
      throw thrown
    })
    if (known === undefined) await registry.createModel({ name: model, description: '' })
  }

  return {
    async create({ model, files, labels, example, notes, errorRate, errorBound, latencyCeilingMs, parent: given, request }, actor) {
      const { draft: read_, pieces, description } = await read({ files: await filesOf(files), labels, example })
      const source = files.map(({ name, digest }) => `${name.split(/[\\/]/).at(-1)} (SHA256 ${digest})`).join(', ')
      const draft: ManifestDraft = {
        ...read_,
        deltas: [],
        transforms: [],
        monitors: 'columns',
        references: {},
        promised: { errorRate, ...(errorBound === undefined ? {} : { errorBound }), latencyCeilingMs },
        metrics: {},
        lineage: {
          run: null,
          round: null,
          dataset: null,
          notes: `${notes === '' ? '' : `${notes}\n`}imported from ${source}: ${description}`.slice(0, 2000),
        },
      }
      const document = canonicalJson(draft)
      const size = document.length
      if (size > MAX_MANIFEST_BYTES)
        throw new AppError('invalid_document', `the model's description has ${size} bytes, a manifest at most ${MAX_MANIFEST_BYTES}`)
      // whatever is wrong is found before anything is made
      assertHoldsTogether(unwrap(parsePayload(document, manifestDraft)))
      for (const { digest, bytes } of pieces) await blobs.put(bytes, { expect: digest })
      await ensureModel(model)
      const parent = given === undefined ? ((await registry.aliasTarget(model, STABLE)) ?? null) : given
      const version = await registry.registerVersion({ model, draft, parent, request }, actor)
      return { version, runtime: draft.requires.runtime, description, signature: draft.signature }
    },
    close() {
      for (const thread of running) thread.dispose()
    },
  }
}
