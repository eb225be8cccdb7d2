import { cnn, linear, mlp } from '../../../shared/compute/architectures.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import { vocabularySize } from '../../../shared/data/transforms.ts'
import { recurrent } from '../../../shared/compute/recurrent.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Preparation } from './example-form.ts'
import type { Recipe } from './recipe.ts'
import { treesTopology } from './trees-topology.ts'
import { inputShape } from './split-examples.ts'

/** Throws invalid_input where the data is no text as tokens. */
function vocabularyOf({ transforms }: Preparation): number {
  const [tokens, ...others] = transforms
  if (tokens?.kind !== 'tokens' || others.length > 0)
    throw new AppError(
      'invalid_input',
      'a recurrent network needs one text as tokens (the transform tokens alone), or its vocabulary named in the recipe',
    )
  return vocabularySize(tokens)
}

/** The network (or the kind of trees) of a recipe for the prepared data; for regression it ends in one number. Throws invalid_input where architecture and data do not go together. */
export function topologyOf({ architecture: wanted }: Recipe, prepared: Preparation): Topology {
  const shape = inputShape(prepared)
  const [height, width, channels] = shape
  const common = { inputShape: shape, classes: prepared.labels.length }
  switch (wanted.kind) {
    case 'linear':
      return linear(common)
    case 'mlp':
      return mlp({ ...common, hidden: wanted.hidden, ...(wanted.dropout === undefined ? {} : { dropout: wanted.dropout }) })
    case 'cnn': {
      if (height === undefined || width === undefined || channels === undefined)
        throw new AppError('invalid_input', 'convolutions need images: choose mlp or linear for columns')
      const { kind: _, ...rest } = wanted
      return cnn({
        ...common,
        inputShape: [height, width, channels],
        ...(rest as Omit<Parameters<typeof cnn>[0], 'inputShape' | 'classes'>),
      })
    }
    case 'recurrent': {
      if (height === undefined || width !== undefined)
        throw new AppError('invalid_input', 'a recurrent network needs one sequence of token numbers: choose cnn for images')
      const { dropout, kind: _, vocabulary = vocabularyOf(prepared), ...rest } = wanted
      return recurrent({ ...rest, vocabulary, length: height, classes: common.classes, ...(dropout === undefined ? {} : { dropout }) })
    }
    case 'trees':
      return treesTopology(prepared, shape)
    case 'topology':
      return wanted.topology as Topology
  }
}
