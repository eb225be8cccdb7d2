import { isSmall, pixelsBelow, runsOf } from './convolution-shape.ts'
import type { ConvolutionPlaces, ConvolutionSteps } from './convolution-steps.ts'
import { filterGradientStep } from './filter-gradient.ts'
import { inputGradientSteps } from './input-gradient.ts'
import type { LoweringContext } from './lowering.ts'
import { panelsStep } from './panels.ts'
import { byImages, type Step } from './share.ts'

/** A convolution as one product that reads its input in place. */
export function plainConvolution(context: LoweringContext, places: ConvolutionPlaces): ConvolutionSteps {
  const { kernels, run } = context
  const { shape, input, output, filter, bias, flags } = places
  const { filters, strides } = shape
  const [height, width] = shape.output
  const [, , channels] = shape.input
  const { offsets, length } = runsOf(shape, input)
  const table = context.table(offsets)
  const rows = offsets.length * length
  const panels = context.allocate(rows * Math.ceil(filters / 8) * 32)
  context.needScratch(64)
  const x = input.address - shape.top * input.row - shape.left * channels * 4
  const [xImage, xRow, xPixel] = [input.image, input.row * strides[0], channels * 4 * strides[1]]
  const { address: y, image: yImage, row: yRow } = output
  return {
    prepare: panelsStep(context, filter, rows, filters, panels),
    forward: byImages(
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
          offsets.length,
          length,
          panels,
          filters,
          bias,
          flags,
          run.scratch,
        ),
      isSmall(height, width),
    ),
    backward(gradient, target, filterTarget) {
      const steps: Step[] = target ? [...inputGradientSteps(context, shape, filter, gradient, target)] : []
      if (filterTarget) {
        context.needScratch(32 * pixelsBelow(shape, context.batchSize))
        steps.push(
          filterGradientStep(context, {
            x: [x, xImage, xRow, xPixel],
            dy: [gradient.address, gradient.image, gradient.row, filters * 4],
            images: () => run.images,
            height,
            width,
            runs: [table, offsets.length, length],
            channels: filters,
            target: filterTarget,
          }),
        )
      }
      return steps
    },
  }
}
