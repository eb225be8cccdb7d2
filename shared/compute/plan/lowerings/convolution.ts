import { activationOf, pairOf, refusePenalties, storedActivation } from '../config.ts'
import {
  type ConvolutionShape,
  convolutionShape,
  gradientHalo,
  inputHalo,
  isSmall,
  pixelsBelow,
  type Runs,
  runsOf,
} from '../convolution-shape.ts'
import { filterGradientStep } from '../filter-gradient.ts'
import { inputGradientSteps } from '../input-gradient.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings } from '../lowering.ts'
import { padded } from '../padded.ts'
import { panelsStep } from '../panels.ts'
import { imageShape } from '../region.ts'
import { byImages, byStretch, type Step } from '../share.ts'
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

/** Convolution as one product that reads its input in place, bias and ReLU in the store. */
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
  const {
    output: [height, width],
    strides,
  } = shape
  const activation = activationOf(layer)
  const inStore = storedActivation(context, activation)
  const strided = inStore !== undefined
  const output = context.output([height, width, filters], { strided, gradientHalo: gradientHalo(shape), relu: activation === 'relu' })

  const from = padded(context, input.shape, input.value, inputHalo(shape))
  const runs: Runs = runsOf(shape, from.region)
  const table = context.table(runs.offsets)
  const channels = shape.input[2]
  const rows = runs.offsets.length * runs.length
  const panels = context.allocate(rows * Math.ceil(filters / 8) * 32)
  context.needScratch(64)
  const x = from.region.address - shape.top * from.region.row - shape.left * channels * 4
  const [xImage, xRow, xPixel] = [from.region.image, from.region.row * strides[0], channels * 4 * strides[1]]
  const { address: y, image: yImage, row: yRow } = output.value
  const flags = (inStore ?? 0) + (bias ? 0 : 4)
  const b = bias?.address ?? 0
  const [count, length] = [runs.offsets.length, runs.length]
  context.prepare(panelsStep(context, kernel.address, rows, filters, panels))
  const convolve = byImages(
    run,
    (first, images) =>
      kernels.convolve(
        x + first * xImage,
        xImage,
        xRow,
        xPixel,
        y + first * yImage,
        yImage,
        yRow,
        filters * 4,
        images,
        height,
        width,
        table,
        count,
        length,
        panels,
        filters,
        b,
        flags,
        run.scratch,
      ),
    isSmall(height, width),
  )
  context.forward(...from.steps, convolve)

  const target = context.gradientOf(input)
  if (output.gradient) {
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
    if (target) steps.push(...inputGradientSteps(context, shape, kernel.address, output.gradient, target))
    if (kernel.trainable) {
      context.needScratch(32 * pixelsBelow(shape, context.batchSize))
      steps.push(
        filterGradientStep(context, {
          x: [x, xImage, xRow, xPixel],
          dy: [dy, dyImage, dyRow, filters * 4],
          images: () => run.images,
          height,
          width,
          runs: [table, count, length],
          channels: filters,
          target: context.gradientTarget(kernel),
        }),
      )
    }
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
  return strided ? output : activated(context, activation, output)
}

export const convolutionLowerings: Lowerings = {
  Conv2D: { lower: lowerConv2d, strided: true, halo: (layer, shape) => inputHalo(shapeFor(layer, shape, 1)) },
}
