import * as z from 'zod/mini'
import { must } from '../core/assert.ts'
import { AppError } from '../core/errors.ts'
import { type DatasetStatistics, type FeatureStatistics, statisticsOf } from './dataset-statistics.ts'

/**
 * Preparation of model inputs: written as specs, analysed once over the training split, and frozen with their constants into the manifest. What is frozen
 * is all that is needed to transform, on the server and on the device alike.
 */
const input = z.string().check(z.minLength(1), z.maxLength(128))
const pixels = z.int().check(z.minimum(1), z.maximum(16_384))

export const transformSpecSchema = z.discriminatedUnion('kind', [
  /** Bytes of an image to floats: value / 255, then (x - mean) / deviation where they are given, per channel or one for all. */
  z.strictObject({
    kind: z.literal('image-scale'),
    input,
    mean: z.optional(z.array(z.number())),
    deviation: z.optional(z.array(z.number().check(z.positive()))),
  }),
  /** (x - mean) / deviation of the training split. */
  z.strictObject({ kind: z.literal('standardize'), input }),
  /** (x - min) / (max - min) of the training split, cut to 0 and 1. */
  z.strictObject({ kind: z.literal('min-max'), input }),
  /** One place for each of the `top` most frequent values of the training split, a last one for all others. */
  z.strictObject({ kind: z.literal('one-hot'), input, top: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 32) }),
  z.strictObject({ kind: z.literal('passthrough'), input }),
])

/** What stands in for a value that is missing or not finite. */
const missing = z.number()

export const frozenTransformSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('image-scale'),
    input,
    height: pixels,
    width: pixels,
    channels: z.int().check(z.minimum(1), z.maximum(4)),
    mean: z.array(z.number()),
    deviation: z.array(z.number().check(z.positive())),
  }),
  z.strictObject({ kind: z.literal('standardize'), input, mean: z.number(), deviation: z.number().check(z.positive()), missing }),
  z.strictObject({ kind: z.literal('min-max'), input, min: z.number(), range: z.number().check(z.positive()), missing }),
  z.strictObject({ kind: z.literal('one-hot'), input, values: z.array(z.string()).check(z.maxLength(1000)) }),
  z.strictObject({ kind: z.literal('passthrough'), input, missing }),
])

export const transformSpecsSchema = z.array(transformSpecSchema)
export const frozenTransformsSchema = z.array(frozenTransformSchema)

export type TransformSpec = z.infer<typeof transformSpecSchema>
export type FrozenTransform = z.infer<typeof frozenTransformSchema>

/** Floats that one row takes in the output. */
export function transformWidth(transform: FrozenTransform): number {
  if (transform.kind === 'image-scale') return transform.height * transform.width * transform.channels
  return transform.kind === 'one-hot' ? transform.values.length + 1 : 1
}

export const rowWidth = (transforms: readonly FrozenTransform[]): number =>
  transforms.reduce((sum, transform) => sum + transformWidth(transform), 0)

/**
 * Freezes the constants that the specs need.
 * @throws AppError invalid_input where the statistics have no such feature or it is of a kind that the transform cannot take.
 */
export function analyseTransforms(specs: readonly z.input<typeof transformSpecSchema>[], statistics: DatasetStatistics): FrozenTransform[] {
  return transformSpecsSchema.parse(specs).map((spec) => {
    const found = statisticsOf(statistics, spec.input)
    if (found === undefined) throw new AppError('invalid_input', `transform ${spec.kind} takes ${spec.input}, which the data does not have`)
    return freeze(spec, found)
  })
}

function freeze(spec: TransformSpec, found: FeatureStatistics): FrozenTransform {
  const { input } = spec
  const refuse = (needs: string): never => {
    throw new AppError('invalid_input', `transform ${spec.kind} of ${input} needs ${needs}; the data has type ${found.type ?? 'unknown'}`)
  }
  switch (spec.kind) {
    case 'image-scale': {
      const shapes = found.image?.shapes ?? []
      if (shapes.length !== 1) refuse('images of one size')
      const { height, width, channels } = must(shapes[0], 'the shape of the images')
      const each = (values: readonly number[] | undefined, otherwise: number): number[] => {
        if (values !== undefined && values.length !== 1 && values.length !== channels)
          refuse(`one constant, or one for each of ${channels} channels`)
        return Array.from({ length: channels }, (_, c) => values?.[values.length === 1 ? 0 : c] ?? otherwise)
      }
      return { kind: spec.kind, input, height, width, channels, mean: each(spec.mean, 0), deviation: each(spec.deviation, 1) }
    }
    case 'standardize': {
      const numeric = found.numeric ?? refuse('numbers')
      // a constant feature becomes 0 everywhere, not NaN
      return { kind: spec.kind, input, mean: numeric.mean, deviation: numeric.deviation > 0 ? numeric.deviation : 1, missing: 0 }
    }
    case 'min-max': {
      const { min, max, mean } = found.numeric ?? refuse('numbers')
      const range = max > min ? max - min : 1
      return { kind: spec.kind, input, min, range, missing: (mean - min) / range }
    }
    case 'one-hot': {
      const categorical = found.categorical ?? refuse('categories (text or whole numbers)')
      return { kind: spec.kind, input, values: categorical.top.slice(0, spec.top).map(({ value }) => value) }
    }
    case 'passthrough': {
      if (found.numeric === undefined) refuse('numbers')
      return { kind: spec.kind, input, missing: 0 }
    }
  }
}
