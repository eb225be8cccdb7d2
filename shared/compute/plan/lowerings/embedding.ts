import { sizeOf } from '../../../tensor/tensor.ts'
import { refuseOptions, refusePenalties } from '../config.ts'
import type { Lowerings } from '../lowering.ts'
import { byImages } from '../share.ts'

export const embeddingLowerings: Lowerings = {
  Embedding: {
    lower(context, layer, [input]) {
      const table = context.weight('embeddings')
      if (input === undefined || table === undefined) return context.refuse('it lacks its input or table')
      refusePenalties(context, layer)
      refuseOptions(context, layer, 'maskZero')
      if (input.gradient) context.refuse('its input comes from something trained')
      const { kernels, run } = context
      const [rows = 0, width = 0] = table.shape
      const size = sizeOf(input.shape)
      const output = context.output([...input.shape, width])
      const [ids, y] = [input.value.address, output.value.address]
      context.forward(
        byImages(run, (first, images) => {
          const at = first * size * 4
          kernels.embed(ids + at, table.address, y + at * width, images * size, rows, width)
        }),
      )
      const dy = output.gradient?.address
      if (dy !== undefined && table.trainable) {
        const target = context.gradientTarget(table)
        context.backward(() => {
          // a fused step touches only the rows that this batch names
          if (target.mode === 0) kernels.fillPixels(target.address, 0, 0, 1, 1, table.size * 4)
          kernels.embedGradient(ids, dy, target.address, run.images * size, rows, width, target.mode === 0 ? 1 : -run.rate)
        })
      }
      return output
    },
  },
}
