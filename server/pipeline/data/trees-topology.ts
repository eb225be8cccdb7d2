import { AppError } from '../../../shared/core/errors.ts'
import { FOREST_KIND, type ForestTopology } from '../../../shared/trees/forest-file.ts'
import type { Preparation } from './example-form.ts'

/** What trees over the prepared columns answer. Throws invalid_input for images and tokens, of whose single values nothing can be asked. */
export function treesTopology({ form, labels, transforms }: Preparation, shape: readonly number[]): ForestTopology {
  const [features] = shape
  const tokens = transforms.some(({ kind }) => kind === 'tokens')
  if (form.kind === 'image' || tokens || features === undefined)
    throw new AppError(
      'invalid_input',
      `trees need columns, and this data is ${tokens ? 'a text as tokens: choose a recurrent network, or count words (text-hash)' : 'images: choose cnn'}`,
    )
  const classes = labels.length
  return { kind: FOREST_KIND, objective: classes === 0 ? 'number' : classes === 2 ? 'logistic' : 'softmax', features, classes }
}
