import * as z from 'zod/mini'
import { dateEncoding, datePart, ngramRange, transformInput as input } from './transforms.ts'

const unknown = z._default(z.int().check(z.minimum(1), z.maximum(1024)), 1)
const pixels = z.int().check(z.minimum(1), z.maximum(16_384))
const buckets = z.int().check(z.minimum(1), z.maximum(65_536))
const seed = z._default(z.int().check(z.minimum(0), z.maximum(0xffff_ffff)), 0)

/** How columns are to be prepared, before the training split has been looked at. What is a constant of the training split, or has to be, is left out. */
export const transformSpecSchema = z.discriminatedUnion('kind', [
  /** Bytes of an image to floats: value / 255, then (x - mean) / deviation where they are given, per channel or one for all. */
  z.strictObject({
    kind: z.literal('image-scale'),
    input,
    mean: z.optional(z.array(z.number())),
    deviation: z.optional(z.array(z.number().check(z.positive()))),
    /** Moves what differs from the background into the middle; the background is what most images of the training split have at their borders. */
    centre: z.optional(z.boolean()),
    /** The size that the model takes, where the images have another. */
    resize: z.optional(z.strictObject({ height: pixels, width: pixels })),
  }),
  /** (x - mean) / deviation of the training split. */
  z.strictObject({ kind: z.literal('standardize'), input }),
  /** (x - min) / (max - min) of the training split, cut to 0 and 1. */
  z.strictObject({ kind: z.literal('min-max'), input }),
  z.strictObject({ kind: z.literal('passthrough'), input }),
  /** ln(x + offset), standardised. Values below those of the training split are taken as its least. */
  z.strictObject({ kind: z.literal('log'), input, offset: z._default(z.number(), 1) }),
  /** A place for each stretch between `boundaries`, or for each of `quantiles` stretches that hold equally many rows of the training split. */
  z
    .strictObject({
      kind: z.literal('buckets'),
      input,
      boundaries: z.optional(z.array(z.number()).check(z.minLength(1), z.maxLength(1000))),
      quantiles: z.optional(z.int().check(z.minimum(2), z.maximum(1000))),
    })
    .check(
      z.refine(
        ({ boundaries, quantiles }) => (boundaries === undefined) !== (quantiles === undefined),
        'give either boundaries or the number of quantiles',
      ),
      z.refine(
        ({ boundaries = [] }) => boundaries.every((bound, i) => i === 0 || bound > Number(boundaries[i - 1])),
        'boundaries must rise',
      ),
    ),
  /** One place for each of the `top` most frequent values of the training split, `unknown` more for all others. */
  z.strictObject({ kind: z.literal('one-hot'), input, top: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 32), unknown }),
  /** A number for each of the `top` most frequent values, for an embedding. */
  z.strictObject({ kind: z.literal('vocabulary'), input, top: z._default(z.int().check(z.minimum(1), z.maximum(20_000)), 1000), unknown }),
  z.strictObject({ kind: z.literal('hash'), input, buckets, seed }),
  /** Values of several columns together. */
  z.strictObject({ kind: z.literal('cross'), inputs: z.array(input).check(z.minLength(2), z.maxLength(5)), buckets, seed }),
  z.strictObject({
    kind: z.literal('date'),
    input,
    parts: z._default(z.array(datePart).check(z.minLength(1)), ['month', 'day-of-week', 'hour-of-day']),
    encoding: z._default(dateEncoding, 'cyclic'),
  }),
  z
    .strictObject({
      kind: z.literal('text-hash'),
      input,
      unit: z._default(ngramRange.unit, 'word'),
      min: z._default(ngramRange.min, 1),
      max: z._default(ngramRange.max, 1),
      buckets,
      seed,
      weight: z._default(z.enum(['presence', 'count']), 'presence'),
    })
    .check(z.refine(({ min, max }) => min <= max, 'min must not be above max')),
  /** Text as a sequence of `length` numbers, for an embedding: the `top` most frequent words of the training split. */
  z.strictObject({
    kind: z.literal('tokens'),
    input,
    unit: z._default(ngramRange.unit, 'word'),
    length: z.int().check(z.minimum(1), z.maximum(4096)),
    top: z._default(z.int().check(z.minimum(1), z.maximum(20_000)), 5000),
    unknown,
  }),
  z.strictObject({ kind: z.literal('missing'), input }),
])

export const transformSpecsSchema = z.array(transformSpecSchema)

export type TransformSpec = z.infer<typeof transformSpecSchema>
export type TransformSpecInput = z.input<typeof transformSpecSchema>
export type SpecOf<K extends TransformSpec['kind']> = Extract<TransformSpec, { kind: K }>
