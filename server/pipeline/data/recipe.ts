import * as z from 'zod'

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
  /** Over a sequence of token numbers, which lie below `vocabulary`; 0 is padding. */
  z.strictObject({
    kind: z.literal('recurrent'),
    cell: z.enum(['gru', 'lstm']).default('gru'),
    /** That of the data's `tokens` transform when absent. */
    vocabulary: count.optional(),
    embedding: count,
    units: count,
    dropout: share.optional(),
  }),
  /**
   * Gradient-boosted trees over columns (shared/trees). `epochs` are the rounds, a constant `learningRate` the shrinkage; what else is for networks (optimizer, batchSize) is not looked at.
   */
  z.strictObject({
    kind: z.literal('trees'),
    /** Questions on the way to a leaf, at most. */
    depth: count.max(16).default(6),
    /** Leaves of a tree, at most: the best split of all comes first then. */
    leaves: z.int().min(2).max(65_536).optional(),
    /** Pulls leaves with few rows to 0. */
    lambda: z.number().min(0).default(1),
    /** Second derivatives of the loss that a leaf's rows have in all, at least: for regression the number of rows, for labels less the surer they are. */
    leastChildWeight: z.number().min(0).default(1),
    /** What a question must take off the loss. */
    leastGain: z.number().min(0).default(0),
    /** Of rows and of network inputs, what each round sees. */
    rowShare: positive.max(1).default(1),
    columnShare: positive.max(1).default(1),
    /** Stretches that the values of a column are cut into. */
    bins: z.int().min(2).max(255).default(255),
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
  batchSize: count.max(4096).default(256),
  optimizer: optimizer.default({ kind: 'adam' }),
  learningRate,
  augment: augmentation.default({}),
  /** Rows of one epoch; all of the training split when absent. */
  rows: count.optional(),
  /**
   * Shares of an epoch that rows with some value of a column get, repeated where they are too few: so that a small new world counts beside a large old one. Values that are not
   * named share what is left; a value that no row has is passed over.
   */
  balance: z.strictObject({ column: z.string(), shares: z.record(z.string(), share) }).optional(),
  /** Factors of the loss by label, 1 where not named; `balanced` gives each label the same weight in all (rows / (labels * rows of the label)). */
  classWeights: z.union([z.literal('balanced'), z.record(z.string(), positive)]).optional(),
  /** What regression minimises. */
  loss: z.enum(['mean-squared-error', 'mean-absolute-error']).optional(),
  /** Ends training once the validation loss has not fallen by `leastFall` for `patience` epochs, and goes back to the best epoch (Prechelt 1998). */
  stopEarly: z.strictObject({ patience: count, leastFall: z.number().min(0).default(0) }).optional(),
  /** The share by which the training loss must fall from the first epoch to the last; null switches the check off. Going on from a version, it must only not rise. */
  leastFall: share.nullable().default(0),
})
export type Recipe = z.output<typeof recipe>
