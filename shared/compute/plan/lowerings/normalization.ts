import { sizeOf } from '../../../tensor/tensor.ts'
import { refusePenalties } from '../config.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { imageShape, type Region } from '../region.ts'

/** Height, width and channels of any shape: all axes but the last are pixels. */
function pixelsOf(shape: readonly number[]): readonly [number, number, number] {
  if (shape.length === 3) return imageShape(shape)
  const channels = shape.at(-1) ?? 1
  return [1, sizeOf(shape) / channels, channels]
}

const at = ({ address, image, row }: Region) => [address, image, row] as const

/** Of this batch's moments in training, while the moving averages follow them; of those in inference. */
function lowerBatch(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[]): Activation {
  const [mean, variance] = [context.weight('moving_mean'), context.weight('moving_variance')]
  if (input === undefined || mean === undefined || variance === undefined) return context.refuse('it lacks its input or averages')
  refusePenalties(context, layer)
  const { config } = layer
  const axis = Number(config['axis'] ?? -1)
  if (axis !== -1 && axis !== input.shape.length) context.refuse(`axis is ${axis}`)
  const { kernels, run } = context
  const [gamma, beta] = [context.weight('gamma'), context.weight('beta')]
  const [height, width, channels] = pixelsOf(input.shape)
  const [epsilon, share] = [Number(config['epsilon'] ?? 1e-3), 1 - Number(config['momentum'] ?? 0.99)]
  const vector = (): number => context.allocate(channels * 4)
  const [batchMean, batchVariance, inverse, scale, shift] = [vector(), vector(), vector(), vector(), vector()]
  const output = context.output(input.shape, { strided: true })
  const [x, y] = [at(input.value), at(output.value)]
  const [g, b] = [gamma?.address ?? 0, beta?.address ?? 0]
  context.forward(() => {
    const [m, v] = run.training ? [batchMean, batchVariance] : [mean.address, variance.address]
    if (run.training) {
      const factor = 1 / (run.images * height * width)
      kernels.channelPowers(...x, run.images, height, width, channels, 0, 1, factor, m)
      kernels.channelPowers(...x, run.images, height, width, channels, m, 2, factor, v)
      kernels.moveTowards(mean.address, m, channels, share)
      kernels.moveTowards(variance.address, v, channels, share)
    }
    kernels.batchScale(m, v, g, b, channels, epsilon, inverse, scale, shift)
    kernels.channelAffine(...x, ...y, run.images, height, width, channels, scale, shift, 0)
  })
  const target = context.gradientOf(input)
  if (output.gradient) {
    const dy = at(output.gradient)
    const dgamma = (gamma?.trainable && gamma.gradient) || vector()
    const dbeta = (beta?.trainable && beta.gradient) || vector()
    context.backward(() => {
      kernels.batchGradientSums(...x, ...dy, run.images, height, width, channels, batchMean, inverse, dgamma, dbeta)
      if (target)
        kernels.batchGradient(
          ...x,
          ...dy,
          ...at(target),
          run.images,
          height,
          width,
          channels,
          batchMean,
          inverse,
          scale,
          dgamma,
          dbeta,
          1 / (run.images * height * width),
        )
    })
  }
  return output
}

/** Over the last axis. */
const layerNormalization: Lowering = {
  lower(context, layer, [input]) {
    if (input === undefined) return context.refuse('it has no input')
    refusePenalties(context, layer)
    const { kernels, run } = context
    const axes = [layer.config['axis'] ?? -1].flat().map(Number)
    const rank = input.shape.length
    if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== rank)) context.refuse(`axis is ${axes.join()}`)
    const width = input.shape.at(-1) ?? 1
    const rows = sizeOf(input.shape) / width
    const [gamma, beta] = [context.weight('gamma'), context.weight('beta')]
    const stats = context.allocate(context.batchSize * rows * 8)
    const output = context.output(input.shape)
    const [x, y] = [input.value.address, output.value.address]
    const [g, b] = [gamma?.address ?? 0, beta?.address ?? 0]
    const epsilon = Number(layer.config['epsilon'] ?? 1e-3)
    context.forward(() => kernels.layerNormalize(x, y, run.images * rows, width, g, b, epsilon, stats))
    const target = context.gradientOf(input)?.address ?? 0
    const dy = output.gradient?.address
    const [dgamma, dbeta] = [gamma?.gradient ?? 0, beta?.gradient ?? 0]
    if (dy !== undefined) context.backward(() => kernels.layerGradient(x, dy, target, run.images * rows, width, g, stats, dgamma, dbeta))
    return output
  },
}

export const normalizationLowerings: Lowerings = {
  BatchNormalization: { lower: lowerBatch, strided: true },
  LayerNormalization: layerNormalization,
}
