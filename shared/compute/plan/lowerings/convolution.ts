import { activationOf, pairOf, refusePenalties, storedActivation } from '../config.ts'
import { type ConvolutionShape, convolutionShape, gradientHalo, inputHalo } from '../convolution-shape.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings } from '../lowering.ts'
import { padded } from '../padded.ts'
import { plainConvolution } from '../plain-convolution.ts'
import { type Halo, imageShape } from '../region.ts'
import { byImages, byStretch, type Step } from '../share.ts'
import { winogradHalo, winogradShape } from '../winograd-shape.ts'
import { winogradConvolution } from '../winograd-convolution.ts'
import { activated } from './activation.ts'

function shapeFor({ config }: LayerToLower, input: readonly number[], filters: number): ConvolutionShape {
  return convolutionShape({
    input: imageShape(input),
    filters,
    kernel: pairOf(config['kernelSize']),
    strides: pairOf(config['strides'] ?? 1),
    dilation: pairOf(config['dilationRate'] ?? 1),
    same: config['padding'] === 'same',
  })
}

/** Convolution with bias and ReLU in the store, by tiles where that takes fewer products. */
function lowerConv2d(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[]): Activation {
  const kernel = context.weight('kernel')
  if (input === undefined || kernel === undefined) return context.refuse('it lacks its input or kernel')
  refusePenalties(context, layer)
  const { config } = layer
  if (config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
  if (config['padding'] !== 'same' && config['padding'] !== 'valid') context.refuse(`padding is ${String(config['padding'])}`)
  const { kernels, run } = context
  const bias = context.weight('bias')
  const filters = kernel.shape[3] ?? 0
  const shape = shapeFor(layer, input.shape, filters)
  const [height, width] = shape.output
  const activation = activationOf(layer)
  const inStore = storedActivation(context, activation)
  const winograd = winogradShape(shape, context)
  const output = context.output([height, width, filters], {
    strided: inStore !== undefined,
    relu: activation === 'relu',
    ...(winograd ? {} : { gradientHalo: gradientHalo(shape) }),
  })
  const from = padded(context, input.shape, input.value, winograd ? winogradHalo(shape, winograd) : inputHalo(shape))
  const flags = (inStore ?? 0) + (bias ? 0 : 4)
  const places = { shape, input: from.region, output: output.value, filter: kernel.address, bias: bias?.address ?? 0, flags }
  const { prepare, forward, backward } = winograd ? winogradConvolution(context, places, winograd) : plainConvolution(context, places)
  context.prepare(prepare)
  context.forward(...from.steps, forward)

  const target = context.gradientOf(input)
  if (output.gradient) {
    const { address: y, image: yImage, row: yRow } = output.value
    const { address: dy, image: dyImage, row: dyRow } = output.gradient
    const steps: Step[] = []
    if (activation === 'relu')
      steps.push(
        byImages(run, (first, images) => {
          const [from, to] = [y + first * yImage, dy + first * dyImage]
          if (output.relu === 'open')
            kernels.reluGradient(from, yImage, yRow, to, dyImage, dyRow, to, dyImage, dyRow, images, height, width * filters)
        }),
      )
    steps.push(...backward(output.gradient, target, kernel.trainable ? context.gradientTarget(kernel) : undefined))
    if (bias?.trainable) {
      const to = context.gradientTarget(bias)
      const pixel = filters * 4
      steps.push(
        byStretch('weights', filters, 16, (f, own) =>
          kernels.channelSums(dy + f * 4, dyImage, dyRow, pixel, run.images, height, width, own, to.address + f * 4, to.mode, run.rate),
        ),
      )
    }
    context.backward(...steps)
  }
  return inStore === undefined ? activated(context, activation, output) : output
}

/** More where the layer may go by tiles: a plan of another batch may not, and does with more. */
function likedHalo(layer: LayerToLower, input: readonly number[]): Halo {
  const shape = shapeFor(layer, input, Number(layer.config['filters']))
  const winograd = winogradShape(shape, { batchSize: Number.POSITIVE_INFINITY, trains: false, tiled: false })
  return winograd ? winogradHalo(shape, winograd) : inputHalo(shape)
}

export const convolutionLowerings: Lowerings = {
  Conv2D: { lower: lowerConv2d, strided: true, halo: likedHalo },
}
