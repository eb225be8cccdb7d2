import * as z from 'zod/mini'
import { canonicalJson } from '../core/canonical-json.ts'
import { type Sha256, sha256 } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import { digest, id, jsonObject, share, slug, text, time, version } from '../core/fields.ts'
import { MAX_PIECE_BYTES, MAX_TENSORS_PER_MODEL } from '../core/limits.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { frozenTransformsSchema } from '../data/transforms.ts'
import { referencesSchema } from '../stats/reference.ts'
import { selfTestSchema, singleSelfTestSchema } from '../tensor/golden.ts'
import { DATATYPE_OF } from '../tensor/model-tensor.ts'
import { type Envelope, open, seal, type Signer } from './dsse.ts'
import { MODEL_FORMATS } from './model-format.ts'
import { parsePayload } from './parse-document.ts'
import { keysOf, type RootDocument } from './root.ts'

export const MANIFEST_TYPE = 'application/vnd.shoal.manifest+json'

/** Element types on the wire and in blobs. */
export const DTYPES = ['float32', 'int32', 'uint8', 'bool'] as const
const shape = z.array(z.int().check(z.minimum(0))).check(z.maxLength(8))

/** Where a tensor's bytes lie: little-endian, at `offset` of piece number `piece`. */
export const tensorEntry = z.object({
  name: text(200),
  dtype: z.enum(DTYPES),
  shape,
  digest,
  piece: z.int().check(z.minimum(0)),
  offset: z.int().check(z.minimum(0)),
  bytes: z.int().check(z.minimum(0), z.maximum(1 << 30)),
})

export const pieceEntry = z.object({ digest, bytes: z.int().check(z.minimum(1), z.maximum(MAX_PIECE_BYTES * 64)) })

/** A named input or output; -1 stands for a dimension of any size, such as the batch. */
export const signatureEntry = z.object({
  name: text(100),
  datatype: z.enum(Object.values(DATATYPE_OF)),
  shape: z.array(z.int().check(z.minimum(-1))).check(z.maxLength(8)),
})

/** Everything in a manifest that its author says; the registry adds what only it knows (version, parent, time). */
export const manifestDraft = z.object({
  /** What the runtime takes as the model's description, of the form that `requires.runtime` names: a layers model's configuration, a graph, … */
  topology: jsonObject,
  tensors: z.array(tensorEntry).check(z.minLength(1), z.maxLength(MAX_TENSORS_PER_MODEL)),
  pieces: z.array(pieceEntry).check(z.minLength(1), z.maxLength(1024)),
  /** How to rebuild a piece from one of an earlier version; codecs come with later versions of this document. */
  deltas: z.array(z.object({ from: version, codec: text(40), digest, bytes: z.int() })),
  signature: z.object({ inputs: z.array(signatureEntry).check(z.minLength(1)), outputs: z.array(signatureEntry).check(z.minLength(1)) }),
  /** From what the app passes to what the network takes, constants frozen at training. */
  transforms: frozenTransformsSchema,
  labels: z.array(text(200)).check(z.maxLength(10_000)),
  /** What the device counts about each input: numbers of an image (shared/data/image-features.ts), or the columns as they are. */
  monitors: z.enum(['image', 'columns']),
  /**
   * Reference edges and counts: one for each monitored number of the input, measured on the training split, and those of the model's own answers on the
   * validation split: `prediction` (categorical over `labels`) and `confidence` (numeric), or, without labels, `prediction` alone (the number that it
   * answers with). None for a version that was imported without data.
   */
  references: referencesSchema,
  /** Golden inputs and the outputs they gave where the version was made, of which one of each in the first form. */
  selfTest: z.union([singleSelfTestSchema, selfTestSchema]),
  promised: z.object({
    /** Share of wrong answers on held-out data: what a device holds the version to. */
    errorRate: share,
    /** How far from the truth a number may lie to count as right: of versions that answer with a number. Without it nothing is counted. */
    errorBound: z.optional(z.number().check(z.minimum(0))),
    /** A latency no answer should reach, milliseconds. */
    latencyCeilingMs: z.number().check(z.minimum(1)),
  }),
  /** Metrics of the evaluation that led here, by name. */
  metrics: z.record(z.string(), z.number()),
  lineage: z.object({ run: z.nullable(id('run')), round: z.nullable(id('round')), dataset: z.nullable(text(200)), notes: text(2000) }),
  requires: z.object({ runtime: z.enum(MODEL_FORMATS), shoal: text(20) }),
})
export type ManifestDraft = z.infer<typeof manifestDraft>

/** What a device needs to run one version, and to know whether it still runs well. One per version; its digest names it. */
export const manifest = z.extend(manifestDraft, {
  type: z.literal('manifest'),
  model: slug,
  version,
  parent: z.nullable(version),
  created: time,
})
export type Manifest = z.infer<typeof manifest>

/** A manifest's name: the SHA-256 of its canonical JSON. */
export const manifestDigest = (document: Manifest): Promise<Sha256> => sha256(canonicalJson(document))

export const signManifest = (document: Manifest, signers: readonly Signer[]): Promise<Envelope> =>
  seal(MANIFEST_TYPE, canonicalJson(document), signers)

/** Accepts a manifest: right role, exactly the document that the release named, parts that fit each other. */
export async function verifyManifest(
  unknownEnvelope: unknown,
  root: RootDocument,
  expected: { model: string; version: number; digest: Sha256 },
): Promise<Result<Manifest>> {
  const { keys, threshold } = keysOf(root, 'targets')
  const opened = await open(unknownEnvelope, MANIFEST_TYPE, keys, threshold)
  if (!opened.ok) return opened
  const actual = await sha256(opened.value)
  if (actual !== expected.digest)
    return fail(
      new AppError('digest_mismatch', `the manifest is ${actual.slice(0, 12)}, the release names ${expected.digest.slice(0, 12)}`),
    )
  const parsed = parsePayload(opened.value, manifest)
  if (!parsed.ok) return parsed
  if (parsed.value.model !== expected.model || parsed.value.version !== expected.version) {
    return fail(
      new AppError(
        'invalid_document',
        `the manifest is of ${parsed.value.model} version ${parsed.value.version}, expected ${expected.model} version ${expected.version}`,
      ),
    )
  }
  const issues = checkParts(parsed.value)
  return issues.length > 0 ? fail(new AppError('invalid_document', issues.join('; '))) : ok(parsed.value)
}

/** What does not hold together inside a manifest; empty when everything does. */
export function checkParts(document: ManifestDraft): string[] {
  const issues: string[] = []
  const sizes = { float32: 4, int32: 4, uint8: 1, bool: 1 } as const
  const names = new Set<string>()
  for (const tensor of document.tensors) {
    if (names.has(tensor.name)) issues.push(`tensor ${tensor.name} is named twice`)
    names.add(tensor.name)
    const size = tensor.shape.reduce((product, length) => product * length, sizes[tensor.dtype])
    if (size !== tensor.bytes) issues.push(`tensor ${tensor.name} has ${tensor.bytes} bytes, its shape needs ${size}`)
    const piece = document.pieces[tensor.piece]
    if (!piece || tensor.offset + tensor.bytes > piece.bytes) issues.push(`tensor ${tensor.name} lies outside piece ${tensor.piece}`)
  }
  if (document.labels.length > 0 && document.promised.errorBound !== undefined)
    issues.push('an error bound is promised of numbers, and this version answers with labels')
  return [...issues, ...referenceIssues(document)]
}

/** Devices count answers as a version with, or without, labels gives them: against a reference of another kind they would count nothing but strays. */
function referenceIssues({ references, labels }: ManifestDraft): string[] {
  if (Object.keys(references).length === 0) return []
  const answers = labels.length === 0 ? { prediction: 'numeric' } : { prediction: 'categorical', confidence: 'numeric' }
  return Object.entries(answers).flatMap(([name, kind]) => {
    if (!Object.hasOwn(references, name)) return [`references lack ${name}`]
    const given = references[name]?.kind
    return given === kind
      ? []
      : [`the reference ${name} is ${given} where a version ${labels.length === 0 ? 'without' : 'with'} labels has a ${kind} one`]
  })
}
