import * as z from 'zod/mini'
import { exhausted } from '../core/assert.ts'
import { DATE_PARTS, type DatePart } from './civil-date.ts'

/**
 * Preparation of model inputs: written as specs (transform-specs.ts), analysed once over the training split (analyse-transforms.ts), and frozen with their constants into the
 * manifest. What is frozen is all that is needed to transform (apply-transforms.ts), on the server and on the device alike. A kind keeps its meaning for good: old manifests are
 * read by new devices. Hashes are MurmurHash3_x86_32 of the UTF-8 text, modulo the number of buckets.
 */
export const transformInput = z.string().check(z.minLength(1), z.maxLength(128))
const input = transformInput
const pixels = z.int().check(z.minimum(1), z.maximum(16_384))
const positive = z.number().check(z.positive())
/** What stands in for a value that is missing or not finite. */
const missing = z.number()
const values = z.array(z.string())
const buckets = z.int().check(z.minimum(1), z.maximum(65_536))
const seed = z.int().check(z.minimum(0), z.maximum(0xffff_ffff))
/** Buckets that values out of the vocabulary are hashed into. */
const unknown = z.int().check(z.minimum(1), z.maximum(1024))

export const ngramRange = {
  unit: z.enum(['word', 'character']),
  min: z.int().check(z.minimum(1), z.maximum(10)),
  max: z.int().check(z.minimum(1), z.maximum(10)),
}
export const dateEncoding = z.enum(['cyclic', 'one-hot', 'share'])
export const datePart = z.enum(Object.keys(DATE_PARTS) as [DatePart, ...DatePart[]])

export const frozenTransformSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('image-scale'),
    input,
    height: pixels,
    width: pixels,
    channels: z.int().check(z.minimum(1), z.maximum(4)),
    mean: z.array(z.number()),
    deviation: z.array(positive),
    /** Whole pixels that bring what differs from the background into the middle. */
    centre: z.optional(z.strictObject({ background: z.array(z.int().check(z.minimum(0), z.maximum(255))) })),
    /** The size that the model takes; height and width above are those of the images that come. */
    resize: z.optional(z.strictObject({ height: pixels, width: pixels })),
  }),
  z.strictObject({ kind: z.literal('standardize'), input, mean: z.number(), deviation: positive, missing }),
  z.strictObject({ kind: z.literal('min-max'), input, min: z.number(), range: positive, missing }),
  z.strictObject({ kind: z.literal('passthrough'), input, missing }),
  /** (ln(max(x + offset, least)) - mean) / deviation. */
  z.strictObject({ kind: z.literal('log'), input, offset: z.number(), least: positive, mean: z.number(), deviation: positive, missing }),
  /** One place for each stretch between boundaries (those below the first, …, those from the last on); all 0 where the value is missing. */
  z.strictObject({ kind: z.literal('buckets'), input, boundaries: z.array(z.number()).check(z.minLength(1), z.maxLength(1000)) }),
  /** One place for each value, then those for values that are not among them; a missing value is in the last. */
  z.strictObject({ kind: z.literal('one-hot'), input, values: values.check(z.maxLength(1000)), unknown: z.optional(unknown) }),
  /** One number, for an embedding: 0 missing, then the values in order, then the buckets of values that are not among them. */
  z.strictObject({ kind: z.literal('vocabulary'), input, values: values.check(z.maxLength(20_000)), unknown }),
  /** One place for each bucket of the hash; all 0 where the value is missing. */
  z.strictObject({ kind: z.literal('hash'), input, buckets, seed }),
  /** One place for each bucket of the values together, each hashed with the hash before it as seed; a missing value counts as an empty text. */
  z.strictObject({ kind: z.literal('cross'), inputs: z.array(input).check(z.minLength(2), z.maxLength(5)), buckets, seed }),
  /** Of each part sine and cosine of its share of the cycle, or a place for each of its values, or the share (0 to below 1); all 0 where the value is missing. */
  z.strictObject({ kind: z.literal('date'), input, parts: z.array(datePart).check(z.minLength(1)), encoding: dateEncoding }),
  /** Of each bucket whether (presence) or how often (count) a run of words or characters falls into it. */
  z.strictObject({ kind: z.literal('text-hash'), input, ...ngramRange, buckets, seed, weight: z.enum(['presence', 'count']) }),
  /** The first `length` words as numbers of the vocabulary, filled up with 0 behind. */
  z.strictObject({
    kind: z.literal('tokens'),
    input,
    unit: z.enum(['word', 'character']),
    length: z.int().check(z.minimum(1), z.maximum(4096)),
    values: values.check(z.maxLength(20_000)),
    unknown,
  }),
  /** 1 where the value is missing, else 0. */
  z.strictObject({ kind: z.literal('missing'), input }),
])

export const frozenTransformsSchema = z.array(frozenTransformSchema)

export type FrozenTransform = z.infer<typeof frozenTransformSchema>
export type FrozenOf<K extends FrozenTransform['kind']> = Extract<FrozenTransform, { kind: K }>

/** The columns that a transform takes. */
export const inputsOf = (transform: FrozenTransform): readonly string[] =>
  transform.kind === 'cross' ? transform.inputs : [transform.input]

/** How many different numbers a vocabulary gives: what an embedding needs as its input dimension. */
export const vocabularySize = ({ values: known, unknown: extra }: FrozenOf<'vocabulary' | 'tokens'>): number => 1 + known.length + extra

function datePartWidth(part: DatePart, encoding: FrozenOf<'date'>['encoding']): number {
  if (encoding === 'one-hot') return DATE_PARTS[part]
  return encoding === 'cyclic' ? 2 : 1
}

/** Floats that one row takes in the output. */
export function transformWidth(transform: FrozenTransform): number {
  switch (transform.kind) {
    case 'image-scale': {
      const { height, width } = transform.resize ?? transform
      return height * width * transform.channels
    }
    case 'standardize':
    case 'min-max':
    case 'passthrough':
    case 'log':
    case 'vocabulary':
    case 'missing':
      return 1
    case 'buckets':
      return transform.boundaries.length + 1
    case 'one-hot':
      return transform.values.length + (transform.unknown ?? 1)
    case 'hash':
    case 'cross':
    case 'text-hash':
      return transform.buckets
    case 'date':
      return transform.parts.reduce((sum, part) => sum + datePartWidth(part, transform.encoding), 0)
    case 'tokens':
      return transform.length
    default:
      return exhausted(transform)
  }
}

export const rowWidth = (transforms: readonly FrozenTransform[]): number =>
  transforms.reduce((sum, transform) => sum + transformWidth(transform), 0)
