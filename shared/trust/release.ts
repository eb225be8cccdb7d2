import * as z from 'zod/mini'
import { canonicalJson } from '../core/canonical-json.ts'
import { AppError } from '../core/errors.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { digest, id, share, slug, time, version } from '../core/fields.ts'
import { type Envelope, open, seal, type Signer } from './dsse.ts'
import { parsePayload } from './parse-document.ts'
import { keysOf, type RootDocument } from './root.ts'

export const RELEASE_TYPE = 'application/vnd.shoal.release+json'

const versionRef = z.object({ version, manifest: digest })

/** What each device finds out by itself: the rollout it may be part of. */
export const releaseRollout = z.object({
  id: id('rollout'),
  mode: z.enum(['canary', 'ab', 'shadow']),
  candidate: versionRef,
  /** Share of devices that run the candidate, 0 to 1. */
  share,
  /** Cohorts are drawn anew for each salt. */
  salt: z.string().check(z.minLength(8), z.maxLength(64)),
  stage: z.int().check(z.minimum(0)),
  /** How many labelled or unlabelled predictions make a device's first window, after which it reports once as a unit. */
  firstWindow: z.int().check(z.minimum(1), z.maximum(10_000)),
})
export type ReleaseRollout = z.infer<typeof releaseRollout>

/** What the whole fleet polls: one per model and alias, the same for every device. `sequence` only grows; a rollback is a new, higher one. */
export const releaseDocument = z.object({
  type: z.literal('release'),
  model: slug,
  alias: slug,
  sequence: z.int().check(z.minimum(1)),
  issued: time,
  expires: time,
  stable: versionRef,
  rollout: z.nullable(releaseRollout),
  revoked: z.array(version).check(z.maxLength(1000)),
})
export type ReleaseDocument = z.infer<typeof releaseDocument>

export const signRelease = (document: ReleaseDocument, signers: readonly Signer[]): Promise<Envelope> =>
  seal(RELEASE_TYPE, canonicalJson(document), signers)

/** What a device knows when a release document arrives. */
export type ReleaseExpectation = {
  readonly model: string
  readonly alias: string
  /** The highest sequence accepted so far; 0 for none. */
  readonly sequence: number
  /** The later of the device's clock and the last trusted server time, epoch milliseconds: a clock set back revives nothing. */
  readonly now: number
}

/** Accepts a release document: right role, right model and alias (mix-and-match), not older (rollback), not expired (freeze). */
export async function verifyRelease(
  unknownEnvelope: unknown,
  root: RootDocument,
  expected: ReleaseExpectation,
): Promise<Result<ReleaseDocument>> {
  const { keys, threshold } = keysOf(root, 'release')
  const opened = await open(unknownEnvelope, RELEASE_TYPE, keys, threshold)
  if (!opened.ok) return opened
  const parsed = parsePayload(opened.value, releaseDocument)
  if (!parsed.ok) return parsed
  const { model, alias, sequence, expires, stable, revoked } = parsed.value
  if (model !== expected.model || alias !== expected.alias) {
    return fail(new AppError('invalid_document', `the release is of ${model}@${alias}, expected ${expected.model}@${expected.alias}`))
  }
  if (sequence < expected.sequence)
    return fail(new AppError('older_document', `release sequence ${sequence}, already accepted ${expected.sequence}`))
  if (expires <= expected.now) return fail(new AppError('document_expired', `the release expired at ${new Date(expires).toISOString()}`))
  if (revoked.includes(stable.version))
    return fail(new AppError('invalid_document', `the stable version ${stable.version} is among the revoked ones`))
  return ok(parsed.value)
}
