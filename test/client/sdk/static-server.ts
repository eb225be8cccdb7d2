import type { Fetch } from '../../../shared/contract/client.ts'
import { must } from '../../../shared/core/assert.ts'
import { slug } from '../../../shared/core/fields.ts'
import { makeCategoricalReference } from '../../../shared/stats/categorical-reference.ts'
import { makeNumericReference } from '../../../shared/stats/numeric-reference.ts'
import { makePieces } from '../../../shared/tensor/pieces.ts'
import { generateKey, signerOf } from '../../../shared/trust/keys.ts'
import { type Manifest, manifestDigest, signManifest } from '../../../shared/trust/manifest.ts'
import { signRelease } from '../../../shared/trust/release.ts'
import { signRoot } from '../../../shared/trust/root.ts'
import type { makeModel } from '../../workers/small-model.ts'

type ServedModel = Pick<Awaited<ReturnType<typeof makeModel>>, 'manifest' | 'tensors'>

const DAY = 24 * 60 * 60 * 1000

/** What a control plane hands to devices, signed by keys of its own and served from memory: for tests that run in a browser, where the server does not. */
export async function staticServer() {
  const key = await generateKey()
  const signers = [await signerOf(key)]
  const role = { keyIds: [key.keyId], threshold: 1 }
  const now = Date.now()
  const root = await signRoot(
    {
      type: 'root',
      version: 1,
      issued: now,
      expires: now + 365 * DAY,
      keys: [{ keyId: key.keyId, point: key.point }],
      roles: { root: role, targets: role, release: role },
    },
    signers,
  )
  const answers = new Map<string, () => Response>([['/v1/root', () => Response.json(root)]])
  const model = slug.parse('shapes')
  let version = 0
  let connected = true
  let stable = ''
  const requests: string[] = []

  /** Makes this the stable version. */
  async function publish(made: ServedModel): Promise<number> {
    version++
    const { pieces, tensors } = await makePieces(made.tensors, { min: 1, max: 600 })
    const { labels } = made.manifest
    const manifest: Manifest = {
      ...made.manifest,
      type: 'manifest',
      model,
      version,
      parent: null,
      created: now,
      deltas: [],
      tensors: tensors.map((entry) => ({ ...entry, shape: [...entry.shape] })),
      pieces: pieces.map(({ digest, bytes }) => ({ digest, bytes: bytes.length })),
      references:
        labels.length === 0
          ? {}
          : {
              brightness: makeNumericReference([0, 0.25, 0.5, 1]),
              prediction: makeCategoricalReference(labels, { keep: labels }),
              confidence: makeNumericReference([0.25, 0.5, 1]),
            },
      promised: { errorRate: 0.1, latencyCeilingMs: 60_000 },
      metrics: {},
      lineage: { run: null, round: null, dataset: null, notes: '' },
    }
    const digest = await manifestDigest(manifest)
    stable = digest
    const envelope = await signManifest(manifest, signers)
    answers.set(`/v1/manifests/${digest}`, () => Response.json(envelope))
    for (const piece of pieces)
      answers.set(`/v1/blobs/${piece.digest}`, () => new Response(piece.bytes, { headers: { 'content-type': 'application/octet-stream' } }))
    const release = await signRelease(
      {
        type: 'release',
        model,
        alias: slug.parse('stable'),
        sequence: version,
        issued: now,
        expires: now + DAY,
        stable: { version, manifest: digest },
        rollout: null,
        revoked: [],
      },
      signers,
    )
    answers.set('/v1/models/shapes/releases/stable', () => Response.json(release))
    return version
  }

  const fetch: Fetch = async (path) => {
    if (!connected) throw new TypeError('Failed to fetch')
    requests.push(path)
    const answer = answers.get(path)
    return answer ? answer() : Response.json({ code: 'not_found', detail: path }, { status: 404 })
  }
  return {
    fetch,
    publish,
    requests,
    /** The digest of the manifest that is stable. */
    stableManifest: () => stable,
    connect: (on: boolean) => {
      connected = on
    },
    blobRequests: () => requests.filter((path) => path.startsWith('/v1/blobs/')).length,
    firstPiece: () =>
      must(
        [...answers.keys()].find((path) => path.startsWith('/v1/blobs/')),
        'a piece',
      ).slice('/v1/blobs/'.length),
  }
}
