import { activationOf, pairOf, refusePenalties } from '../config.ts'
import { convolutionShape, inputHalo, isSmall, pixelsBelow, runsOf } from '../convolution-shape.ts'
import { filterGradientStep } from '../filter-gradient.ts'
import { inputGradientSteps } from '../input-gradient.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { padded } from '../padded.ts'
import { panelsStep } from '../panels.ts'
import { imageShape, type Region } from '../region.ts'
import { byImages, byStretch, type Step } from '../share.ts'
import { activated } from './activation.ts'
import { alongLine } from './averaging.ts'
import { convolutionLowerings } from './convolution.ts'

const at = ({ address, image, row }: Region, first = 0) => [address + first * image, image, row] as const

/** The gradient of a convolution by its input, taken forward; its own gradients are that convolution. The kernel is [height, width, out, in]. */
function lowerTransposed(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[]): Activation {
  const kernel = context.weight('kernel')
  if (input === undefined || kernel === undefined) return context.refuse('it lacks its input or kernel')
  refusePenalties(context, layer)
  const { config } = layer
  if (config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
  const { kernels, run } = context
  const bias = context.weight('bias')
  const [height, width, inputs] = imageShape(input.shape)
  const [size, strides, same] = [pairOf(config['kernelSize']), pairOf(config['strides'] ?? 1), config['padding'] === 'same']
  const filters = kernel.shape[2] ?? 0
  const along = (length: number, axis: 0 | 1): number => length * strides[axis] + (same ? 0 : Math.max(size[axis] - strides[axis], 0))
  const [outHeight, outWidth] = [along(height, 0), along(width, 1)]
  // the convolution that leads from this layer's answer to its input
  const shape = convolutionShape({ input: [outHeight, outWidth, filters], filters: inputs, kernel: size, strides, dilation: [1, 1], same })
  const output = context.output([outHeight, outWidth, filters])
  context.forward(...inputGradientSteps(context, shape, kernel.address, input.value, output.value))
  if (bias)
    context.forward(
      byImages(run, (first, images) => {
        const y = at(output.value, first)
        kernels.channelAffine(...y, ...y, images, outHeight, outWidth, filters, 0, bias.address, 0)
      }),
    )

  const target = context.gradientOf(input)
  if (output.gradient) {
    const wide = padded(context, output.shape, output.gradient, inputHalo(shape))
    const { region } = wide
    const runs = runsOf(shape, region)
    const table = context.table(runs.offsets)
    const [count, length] = [runs.offsets.length, runs.length]
    const dy = region.address - shape.top * region.row - shape.left * filters * 4
    const strideBytes = [region.image, region.row * strides[0], filters * 4 * strides[1]] as const
    const steps: Step[] = [...wide.steps]
    context.needScratch(Math.max(64, 32 * pixelsBelow(shape, context.batchSize)))
    if (target) {
      const panels = context.allocate(count * length * Math.ceil(inputs / 8) * 32)
      steps.push(
        panelsStep(context, kernel.address, count * length, inputs, panels),
        byImages(
          run,
          (first, images) =>
            kernels.convolve(
              dy + first * region.image,
              ...strideBytes,
              ...at(target, first),
              inputs * 4,
              images,
              height,
              width,
              table,
              count,
              length,
              panels,
              inputs,
              0,
              4,
              run.scratch,
            ),
          isSmall(height, width),
        ),
      )
    }
    if (kernel.trainable)
      steps.push(
        filterGradientStep(context, {
          x: [dy, ...strideBytes],
          dy: [...at(input.value), inputs * 4],
          images: () => run.images,
          height,
          width,
          runs: [table, count, length],
          channels: inputs,
          target: { address: kernel.gradient, mode: 0 },
        }),
      )
    const [given, image, row] = at(output.gradient)
    if (bias?.trainable)
      steps.push(
        byStretch('weights', filters, 16, (f, own) => {
          const pixel = filters * 4
          kernels.channelSums(given + f * 4, image, row, pixel, run.images, outHeight, outWidth, own, bias.gradient + f * 4, 0, 0)
        }),
      )
    context.backward(...steps)
  }
  return activated(context, activationOf(layer), output)
}

/** A convolution of one line: its kernel [width, in, out] is one of height 1. */
function lowerConv1d(context: LoweringContext, layer: LayerToLower, inputs: readonly Activation[]): Activation {
  const weight = (part: string) => {
    const found = context.weight(part)
    return found && part === 'kernel' ? { ...found, shape: [1, ...found.shape] } : found
  }
  const conv2d: Lowering['lower'] = (line, wide, images) =>
    convolutionLowerings['Conv2D']?.lower(line, wide, images) ?? context.refuse('there is no convolution')
  return alongLine({ ...context, weight }, layer, inputs, conv2d)
}

export const otherConvolutionLowerings: Lowerings = {
  Conv2DTranspose: { lower: lowerTransposed, strided: true },
  Conv1D: { lower: lowerConv1d },
}
