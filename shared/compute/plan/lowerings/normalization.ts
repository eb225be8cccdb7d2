import { sizeOf } from '../../../tensor/tensor.ts'
import { refusePenalties } from '../config.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { imageShape, type Region } from '../region.ts'
import { byImages, byStretch } from '../share.ts'

/** Height, width and channels of any shape: all axes but the last are pixels. */
function pixelsOf(shape: readonly number[]): readonly [number, number, number] {
  if (shape.length === 3) return imageShape(shape)
  const channels = shape.at(-1) ?? 1
  return [1, sizeOf(shape) / channels, channels]
}

/** Channels of a line of the cache: what threads take of a sum over pixels. */
const CHANNELS = 16

const at = ({ address, image, row }: Region, first = 0) => [address + first * image, image, row] as const

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
  const [g, b] = [gamma?.address ?? 0, beta?.address ?? 0]
  const pixel = channels * 4
  const scales = byStretch('values', channels, CHANNELS, (channel, own) => {
    const c = channel * 4
    const [m, v] = run.training ? [batchMean + c, batchVariance + c] : [mean.address + c, variance.address + c]
    if (run.training) {
      const [x, image, row] = at(input.value)
      const sizes = [image, row, pixel, run.images, height, width, own] as const
      const factor = 1 / (run.images * height * width)
      kernels.channelPowers(x + c, ...sizes, 0, 1, factor, m)
      kernels.channelPowers(x + c, ...sizes, m, 2, factor, v)
      kernels.moveTowards(mean.address + c, m, own, share)
      kernels.moveTowards(variance.address + c, v, own, share)
    }
    kernels.batchScale(m, v, g && g + c, b && b + c, own, epsilon, inverse + c, scale + c, shift + c)
  })
  const apply = byImages(run, (first, images) =>
    kernels.channelAffine(...at(input.value, first), ...at(output.value, first), images, height, width, channels, scale, shift, 0),
  )
  context.forward(scales, apply)
  const target = context.gradientOf(input)
  if (output.gradient) {
    const { gradient } = output
    const dgamma = (gamma?.trainable && gamma.gradient) || vector()
    const dbeta = (beta?.trainable && beta.gradient) || vector()
    const sums = byStretch('values', channels, CHANNELS, (channel, own) => {
      const c = channel * 4
      const [x, xImage, xRow] = at(input.value)
      const [dy, dyImage, dyRow] = at(gradient)
      const sizes = [pixel, run.images, height, width, own] as const
      kernels.batchGradientSums(x + c, xImage, xRow, dy + c, dyImage, dyRow, ...sizes, batchMean + c, inverse + c, dgamma + c, dbeta + c)
    })
    const given = byImages(run, (first, images) => {
      if (!target) return
      const regions = [...at(input.value, first), ...at(gradient, first), ...at(target, first)] as const
      const sizes = [images, height, width, channels] as const
      kernels.batchGradient(...regions, ...sizes, batchMean, inverse, scale, dgamma, dbeta, 1 / (run.images * height * width))
    })
    context.backward(sums, given)
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
    context.forward(
      byImages(run, (first, images) => {
        const at = first * rows * width * 4
        kernels.layerNormalize(x + at, y + at, images * rows, width, g, b, epsilon, stats + first * rows * 8)
      }),
    )
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
