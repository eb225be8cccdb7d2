import { sizeOf } from '../../../tensor/tensor.ts'
import { refuseOptions } from '../config.ts'
import type { Lowerings } from '../lowering.ts'

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
      // each layer draws from a stream of its own
      const keyNow = (): number => (run.key ^ Math.imul(place + 1, 0x85ebca6b)) | 0
      const from = input.value.address
      const to = output.value.address
      context.forward(() => kernels.dropout(from, to, run.images * size, keyNow(), run.training ? threshold : 0, run.training ? scale : 1))
      const target = context.gradientOf(input)
      const { gradient } = output
      if (gradient && target)
        context.backward(() => kernels.dropout(gradient.address, target.address, run.images * size, keyNow(), threshold, scale))
      return output
    },
  },
}
