import { AppError } from '../../../shared/core/errors.ts'
import { inputsOf } from '../../../shared/data/transforms.ts'
import type { Manifest } from '../../../shared/trust/manifest.ts'
import type { Preparation } from './example-form.ts'

/**
 * How rows become what a version takes, out of its manifest: with the constants and labels that devices train and answer with, whatever the data of today would give.
 * Throws conflict where the manifest does not say which columns it takes.
 */
export function trainedForm({ version, transforms, labels }: Manifest, sliceBy: readonly string[]): Preparation {
  const [first] = transforms
  if (first === undefined)
    throw new AppError('conflict', `version ${version} has no transforms, so there is no saying which columns of the data it takes`)
  const form: Preparation['form'] =
    first.kind === 'image-scale'
      ? { kind: 'image', column: first.input, height: first.height, width: first.width, channels: first.channels }
      : { kind: 'columns', columns: [...new Set(transforms.flatMap(inputsOf))] }
  return { form, labels: [...labels], transforms: [...transforms], sliceBy: [...sliceBy] }
}
