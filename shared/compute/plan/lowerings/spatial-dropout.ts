import type { Lowerings } from '../lowering.ts'
import { byImages } from '../share.ts'
import { PLACE } from './dropout.ts'

/** Whole channels of [steps, channels] drop out together: one draw for a channel of an example. */
export const spatialDropoutLowerings: Lowerings = {
  SpatialDropout1D: {
    lower(context, layer, [input]) {
      if (input === undefined) return context.refuse('it has no input')
      const rate = Number(layer.config['rate'])
      if (rate <= 0 || !context.trains) return context.alias(input, input.shape)
      const { kernels, run, place, batchSize } = context
      const [steps = 1, channels = 1] = input.shape
      const [ones, mask] = [
        context.table(Array.from({ length: batchSize * channels }, () => ONE)),
        context.allocate(batchSize * channels * 4),
      ]
      const output = context.output(input.shape)
      const threshold = Math.round(rate * 2 ** 24)
      const masked = (from: number, to: number) =>
        byImages(run, (first, images) => {
          const row = channels * 4
          for (let n = first; n < first + images; n++)
            for (let t = 0; t < steps; t++) {
              const at = (n * steps + t) * row
              kernels.product(from + at, mask + n * row, to + at, channels)
            }
        })
      const draw = byImages(run, (first, images) => {
        const at = first * channels
        // each layer draws from a stream of its own
        const key = ((run.key ^ Math.imul(place + 1, 0x85ebca6b)) + Math.imul(at, PLACE)) | 0
        const [from, to] = [ones + at * 4, mask + at * 4]
        kernels.dropout(from, to, images * channels, key, run.training ? threshold : 0, run.training ? 1 / (1 - rate) : 1)
      })
      context.forward(draw, masked(input.value.address, output.value.address))
      const target = context.gradientOf(input)
      if (target && output.gradient) context.backward(masked(output.gradient.address, target.address))
      return output
    },
  },
}

/** The bits of the float 1: tables hold integers. */
const ONE = 0x3f800000
