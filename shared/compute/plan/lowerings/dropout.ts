import { sizeOf } from '../../../tensor/tensor.ts'
import { refuseOptions } from '../config.ts'
import type { Lowerings } from '../lowering.ts'
import { byImages } from '../share.ts'

/** What the key of a place differs by from that of the place before it, in the kernel. */
export const PLACE = 0x9e3779b9

export const dropoutLowerings: Lowerings = {
  Dropout: {
    lower(context, layer, [input]) {
      if (input === undefined) return context.refuse('it has no input')
      refuseOptions(context, layer, 'noiseShape')
      const rate = Number(layer.config['rate'])
      if (rate <= 0 || !context.trains) return context.alias(input, input.shape)
      const { kernels, run, place } = context
      const size = sizeOf(input.shape)
      const output = context.output(input.shape)
      const threshold = Math.round(rate * 2 ** 24)
      const scale = 1 / (1 - rate)
      // each layer draws from a stream of its own, in which a value's place tells what is drawn
      const dropped = (from: number, to: number) =>
        byImages(run, (first, images) => {
          const at = first * size
          const key = ((run.key ^ Math.imul(place + 1, 0x85ebca6b)) + Math.imul(at, PLACE)) | 0
          kernels.dropout(from + at * 4, to + at * 4, images * size, key, run.training ? threshold : 0, run.training ? scale : 1)
        })
      context.forward(dropped(input.value.address, output.value.address))
      const target = context.gradientOf(input)
      const { gradient } = output
      if (gradient && target) context.backward(dropped(gradient.address, target.address))
      return output
    },
  },
}
