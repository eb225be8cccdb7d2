import { createHash } from 'node:crypto'
import { AppError, type Issue } from '../../shared/core/errors.ts'
import { checkParts, type ManifestDraft } from '../../shared/trust/manifest.ts'
import { type BlobStore, unknownBlob } from '../storage/blob-store.ts'

/** Fails with `invalid_document` unless the parts of a draft fit each other. */
export function assertHoldsTogether(draft: ManifestDraft): void {
  const issues: Issue[] = checkParts(draft).map((what) => ({ where: 'draft', what }))
  if (Object.keys(draft.topology).length === 0) issues.push({ where: 'draft.topology', what: 'must describe the model' })
  const pieces = new Set(draft.pieces.map((piece) => piece.digest))
  if (pieces.size !== draft.pieces.length) issues.push({ where: 'draft.pieces', what: 'a piece is named twice' })
  if (issues.length > 0)
    throw new AppError(
      'invalid_document',
      issues
        .map((issue) => issue.what)
        .join('; ')
        .slice(0, 2000),
      { issues: issues.slice(0, 20) },
    )
}

/** Reads every piece and compares each tensor with its digest. Fails with `unknown_blob`, `invalid_document` (a length), `digest_mismatch`. */
export async function assertPiecesMatch(draft: ManifestDraft, blobs: BlobStore): Promise<void> {
  for (const { digest } of draft.deltas) if (!(await blobs.has(digest))) throw unknownBlob(digest)
  for (const [index, piece] of draft.pieces.entries()) {
    const bytes = await blobs.read(piece.digest)
    if (bytes.length !== piece.bytes)
      throw new AppError('invalid_document', `piece ${index} is said to have ${piece.bytes} bytes, its blob has ${bytes.length}`)
    for (const tensor of draft.tensors) {
      if (tensor.piece !== index) continue
      const actual = createHash('sha256')
        .update(bytes.subarray(tensor.offset, tensor.offset + tensor.bytes))
        .digest('hex')
      if (actual === tensor.digest) continue
      throw new AppError('digest_mismatch', `tensor ${tensor.name} has the digest ${actual}, the draft says ${tensor.digest}`, {
        issues: [{ where: tensor.name, what: 'its bytes are not the ones that the digest names' }],
      })
    }
  }
}
