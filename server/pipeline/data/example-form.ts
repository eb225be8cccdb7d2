import * as z from 'zod'
import { MAX_PAGE_ITEMS } from '../../../shared/core/limits.ts'
import { frozenTransformsSchema } from '../../../shared/data/transforms.ts'

const name = z.string().min(1).max(128)
const size = z.int().min(1).max(4096)

/** Which columns of a data set are the model's input. */
export const exampleForm = z.discriminatedUnion('kind', [
  /** One column of BLOBs: row-major, channels interleaved, one byte a channel. */
  z.strictObject({ kind: z.literal('image'), column: name, height: size, width: size, channels: z.int().min(1).max(4).default(1) }),
  z.strictObject({ kind: z.literal('columns'), columns: z.array(name).min(1).max(MAX_PAGE_ITEMS) }),
])
export type ExampleForm = z.output<typeof exampleForm>

/** How rows become what a model learns from: what the `transforms` artifact holds. Frozen over the training split. */
export const preparation = z.strictObject({
  form: exampleForm,
  /** The labels, in the order of the model's outputs. None where the model answers with a number. */
  labels: z.array(z.string()).refine(({ length }) => length !== 1, 'at least two labels, or none for regression'),
  transforms: frozenTransformsSchema,
  /** Columns by whose values quality is looked at separately. */
  sliceBy: z.array(name),
})
export type Preparation = z.output<typeof preparation>

export const answersWithNumber = ({ labels }: Pick<Preparation, 'labels'>): boolean => labels.length === 0
