import type { GivenTensor } from '../../shared/contract/imports.ts'
import type { ModelFile } from '../../shared/formats/tfjs-files.ts'
import type { Piece } from '../../shared/tensor/pieces.ts'
import type { ManifestDraft } from '../../shared/trust/manifest.ts'

/** Rises with every change of the calls below that the other side would not understand. */
export const IMPORT_PROTOCOL = 1

export type ImportRequest = {
  readonly files: readonly ModelFile[]
  readonly labels: readonly string[]
  /** What the model is tried on: the inputs that are not left to be drawn. */
  readonly example: Readonly<Record<string, GivenTensor>>
}

/** What the files say, and what the model answered. */
export type ImportedModel = {
  readonly draft: Pick<ManifestDraft, 'topology' | 'tensors' | 'pieces' | 'signature' | 'selfTest' | 'requires' | 'labels'>
  readonly pieces: readonly Piece[]
  /** One sentence: kind, producer, opset. */
  readonly description: string
}

/** What the importing thread does. Errors are AppErrors. */
export type ImportApi = {
  /** Reads the files, runs the model once for its self-test. Throws invalid_document, unsupported_op, invalid_input, shape_mismatch, output_not_finite, self_test_failed. */
  read(request: ImportRequest): Promise<ImportedModel>
}
