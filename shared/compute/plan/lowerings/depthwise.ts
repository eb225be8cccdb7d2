import { activationOf, pairOf, refusePenalties, storedActivation } from '../config.ts'
import { convolutionShape, gradientHalo, inputHalo } from '../convolution-shape.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings, PlanWeight } from '../lowering.ts'
import { padded } from '../padded.ts'
import { imageShape, type Region } from '../region.ts'
import { byImages, byStretch, type Step } from '../share.ts'
import { activated } from './activation.ts'
import { convolutionLowerings } from './convolution.ts'

/** Channels of a line of the cache: what threads take of a sum over pixels. */
const CHANNELS = 16

const at = ({ address, image, row }: Region, first = 0) => [address + first * image, image, row] as const

function shapeFor({ config }: LayerToLower, input: readonly number[]) {
  const image = imageShape(input)
  return convolutionShape({
    input: image,
    filters: image[2],
    kernel: pairOf(config['kernelSize']),
    strides: pairOf(config['strides'] ?? 1),
    dilation: [1, 1],
    same: config['padding'] === 'same',
  })
}

type Depthwise = {
  readonly filter: PlanWeight
  readonly bias: PlanWeight | undefined
  readonly activation: string
  /** The answer is the layer's own, not one that only this layer reads. */
  readonly last: boolean
}

/** Every channel under its own filter. */
function depthwise(
  context: LoweringContext,
  layer: LayerToLower,
  input: Activation,
  { filter, bias, activation, last }: Depthwise,
): Activation {
  const { config } = layer
  if (config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
  if (config['padding'] !== 'same' && config['padding'] !== 'valid') context.refuse(`padding is ${String(config['padding'])}`)
  if (filter.shape[3] !== 1) context.refuse('depthMultiplier is not 1')
  if (pairOf(config['dilationRate'] ?? 1).some((rate) => rate !== 1)) context.refuse('dilationRate is not 1')
  const { kernels, run } = context
  const shape = shapeFor(layer, input.shape)
  const {
    input: [inHeight, inWidth, channels],
    output: [height, width],
    kernel,
    strides,
    top,
    left,
  } = shape
  const inStore = storedActivation(context, activation)
  const strided = last && inStore !== undefined
  const output = context.output([height, width, channels], { strided, gradientHalo: gradientHalo(shape), relu: activation === 'relu' })
  const from = padded(context, input.shape, input.value, inputHalo(shape))
  const shifted = { ...from.region, address: from.region.address - top * from.region.row - left * channels * 4 }
  const forward = byImages(run, (first, images) =>
    kernels.depthwise(
      ...at(shifted, first),
      ...at(output.value, first),
      images,
      height,
      width,
      channels,
      filter.address,
      ...kernel,
      ...strides,
      bias?.address ?? 0,
      inStore ?? 0,
    ),
  )
  context.forward(...from.steps, forward)
  const target = context.gradientOf(input)
  if (output.gradient) {
    const { gradient } = output
    const pixel = channels * 4
    const masked = byImages(run, (first, images) => {
      const dy = at(gradient, first)
      if (output.relu === 'open') kernels.reluGradient(...at(output.value, first), ...dy, ...dy, images, height, width * channels)
    })
    const ofWeights = byStretch('weights', channels, CHANNELS, (channel, own) => {
      const [x, xImage, xRow] = at(shifted)
      const [dy, dyImage, dyRow] = at(gradient)
      const c = channel * 4
      const sizes = [run.images, height, width, own, ...kernel, ...strides] as const
      if (filter.trainable)
        kernels.depthwiseFilterGradient(x + c, xImage, xRow, dy + c, dyImage, dyRow, pixel, ...sizes, filter.gradient + c)
      if (bias?.trainable) kernels.channelSums(dy + c, dyImage, dyRow, pixel, run.images, height, width, own, bias.gradient + c, 0, 0)
    })
    context.backward(masked, ...(target ? inputGradient(gradient, target) : []), ofWeights)
  }
  return inStore === undefined ? activated(context, activation, output) : output

  function inputGradient(gradient: Region, to: Region): Step[] {
    if (strides[0] === 1 && strides[1] === 1) {
      const reversed = context.allocate(kernel[0] * kernel[1] * channels * 4)
      const wide = padded(context, output.shape, gradient, gradientHalo(shape))
      const { address, image, row } = wide.region
      // input position i is met by output i + top - tap: the first one by the last tap
      const met = { ...wide.region, address: address - (kernel[0] - 1 - top) * row - (kernel[1] - 1 - left) * channels * 4, image }
      return [
        ...wide.steps,
        byStretch('panels', 1, 1, () => kernels.reverseTaps(filter.address, kernel[0] * kernel[1], channels, reversed)),
        byImages(run, (first, images) => {
          const sizes = [images, inHeight, inWidth, channels] as const
          kernels.depthwise(...at(met, first), ...at(to, first), ...sizes, reversed, ...kernel, 1, 1, 0, 0)
        }),
      ]
    }
    return [
      byImages(run, (first, images) => {
        kernels.fillPixels(...at(to, first), images, inHeight, inWidth * channels * 4)
        const sizes = [images, height, width, channels, inHeight, inWidth] as const
        kernels.depthwiseScatter(...at(gradient, first), ...at(to, first), ...sizes, filter.address, ...kernel, ...strides, top, left)
      }),
    ]
  }
}

const halo: Lowering['halo'] = (layer, shape) => inputHalo(shapeFor(layer, shape))

const depthwiseConv2d: Lowering = {
  lower(context, layer, [input]) {
    const filter = context.weight('depthwise_kernel')
    if (input === undefined || filter === undefined) return context.refuse('it lacks its input or kernel')
    refusePenalties(context, layer)
    return depthwise(context, layer, input, { filter, bias: context.weight('bias'), activation: activationOf(layer), last: true })
  },
  strided: true,
  halo,
}

/** A depthwise convolution without bias, then a convolution of 1 by 1 that takes bias and activation. */
const separableConv2d: Lowering = {
  lower(context, layer, [input]) {
    const filter = context.weight('depthwise_kernel')
    if (input === undefined || filter === undefined) return context.refuse('it lacks its input or kernel')
    refusePenalties(context, layer)
    const inner = depthwise(context, layer, input, { filter, bias: undefined, activation: 'linear', last: false })
    const pointwise = { ...layer, config: { ...layer.config, kernelSize: [1, 1], strides: [1, 1], padding: 'valid' } }
    const weight = (part: string) => context.weight(part === 'kernel' ? 'pointwise_kernel' : part)
    return convolutionLowerings['Conv2D']?.lower({ ...context, weight }, pointwise, [inner]) ?? context.refuse('there is no convolution')
  },
  strided: true,
  halo,
}

export const depthwiseLowerings: Lowerings = { DepthwiseConv2D: depthwiseConv2d, SeparableConv2D: separableConv2d }
