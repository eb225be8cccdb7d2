import * as z from 'zod'
import { cnn, linear, mlp } from '../../../shared/compute/architectures.ts'
import type { Topology } from '../../../shared/compute/model.ts'
import { AppError } from '../../../shared/core/errors.ts'

const positive = z.number().positive()
const share = z.number().min(0).max(1)
const count = z.int().min(1)

const architecture = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('linear') }),
  z.strictObject({ kind: z.literal('mlp'), hidden: z.array(count).min(1), dropout: share.optional() }),
  z.strictObject({
    kind: z.literal('cnn'),
    blocks: z
      .array(
        z.strictObject({
          filters: count,
          kernel: count,
          stride: count.optional(),
          pool: count.optional(),
          padding: z.enum(['valid', 'same']).optional(),
        }),
      )
      .min(1),
    hidden: z.array(count).optional(),
    dropout: share.optional(),
  }),
  /** A tfjs layers topology as it is. */
  z.strictObject({ kind: z.literal('topology'), topology: z.record(z.string(), z.json()) }),
])

const optimizer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sgd'), momentum: share.optional(), nesterov: z.boolean().optional(), weightDecay: share.optional() }),
  z.strictObject({
    kind: z.literal('adam'),
    beta1: share.optional(),
    beta2: share.optional(),
    epsilon: positive.optional(),
    weightDecay: share.optional(),
  }),
])

const learningRate = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), rate: positive }),
  z.strictObject({ kind: z.literal('cosine'), rate: positive, floor: share.optional(), warmup: share.optional() }),
  z.strictObject({ kind: z.literal('one-cycle'), peak: positive, warmup: share.optional() }),
])

/** Changes to training images that do not change what they show (shared/compute/augmentation.ts). */
const augmentation = z.strictObject({
  degrees: z.number().min(0).max(180).optional(),
  shift: z.number().min(0).max(64).optional(),
  zoom: z.number().min(0).max(0.9).optional(),
})

/** How to train: everything but the data and the seed. */
export const recipe = z.strictObject({
  architecture,
  epochs: count.max(1000),
  batchSize: count.max(4096),
  optimizer,
  learningRate,
  augment: augmentation.default({}),
  /** Rows of one epoch; all of the training split when absent. */
  rows: count.optional(),
  /**
   * Shares of an epoch that rows with some value of a column get, repeated where they are too few: so that a small new world counts beside a large old one. Values that are not
   * named share what is left; a value that no row has is passed over.
   */
  balance: z.strictObject({ column: z.string(), shares: z.record(z.string(), share) }).optional(),
})
export type Recipe = z.output<typeof recipe>

/** What a tuned recipe may change. */
export const recipeChange = recipe.omit({ balance: true }).partial()

/** The network of a recipe. Throws invalid_input for convolutions over columns. */
export function topologyOf({ architecture: wanted }: Recipe, shape: readonly number[], classes: number): Topology {
  switch (wanted.kind) {
    case 'linear':
      return linear({ inputShape: shape, classes })
    case 'mlp':
      return mlp({
        inputShape: shape,
        classes,
        hidden: wanted.hidden,
        ...(wanted.dropout === undefined ? {} : { dropout: wanted.dropout }),
      })
    case 'cnn': {
      const [height, width, channels] = shape
      if (height === undefined || width === undefined || channels === undefined)
        throw new AppError('invalid_input', 'convolutions need images: choose mlp or linear for columns')
      const { kind: _, ...rest } = wanted
      return cnn({ inputShape: [height, width, channels], classes, ...(rest as Omit<Parameters<typeof cnn>[0], 'inputShape' | 'classes'>) })
    }
    case 'topology':
      return wanted.topology as Topology
  }
}
