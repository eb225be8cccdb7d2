import { type ConvolutionShape, gradientHalo, isSmall, phasesOf } from './convolution-shape.ts'
import type { LoweringContext } from './lowering.ts'
import { padded } from './padded.ts'
import { tapPanelsStep } from './panels.ts'
import type { Region } from './region.ts'
import { byImages, type Step } from './share.ts'

/**
 * The steps that compute a convolution's gradient by its input: a convolution of the output's gradient with the flipped, transposed filter, one for each phase
 * of the strides. It is also the forward pass of a transposed convolution. `filter` is the address of [height, width, inputs, filters].
 */
export function inputGradientSteps(
  context: LoweringContext,
  shape: ConvolutionShape,
  filter: number,
  gradient: Region,
  target: Region,
): Step[] {
  const { kernels, run } = context
  const [height, width, channels] = shape.input
  const { filters, output } = shape
  const from = padded(context, [...output, filters], gradient, gradientHalo(shape))
  const { address, image, row } = from.region
  const pixel = filters * 4
  const steps: Step[] = [...from.steps]
  const pairs = phasesOf(shape, 0).flatMap((y) => phasesOf(shape, 1).map((x) => ({ y, x })))
  // positions that no tap reaches: strides wider than the kernel
  if (pairs.some(({ y, x }) => y.taps.length === 0 || x.taps.length === 0))
    steps.push(
      byImages(run, (first, images) =>
        kernels.fillPixels(target.address + first * target.image, target.image, target.row, images, height, width * channels * 4),
      ),
    )
  context.needScratch(64)
  for (const { y, x } of pairs) {
    if (y.taps.length === 0 || x.taps.length === 0) continue
    const taps = y.taps.flatMap((ky) => x.taps.map((kx) => (ky * shape.kernel[1] + kx) * channels * filters * 4))
    const lines = y.taps.map((_, j) => j * y.step * row)
    const runs = x.step === 1 ? lines : lines.flatMap((line) => x.taps.map((_, j) => line + j * x.step * pixel))
    const length = x.step === 1 ? x.taps.length * filters : filters
    const tapTable = context.table(taps)
    const runTable = context.table(runs)
    const panels = context.allocate(taps.length * filters * Math.ceil(channels / 8) * 32)
    const dy = address + y.from * row + x.from * pixel
    const dx = target.address + y.first * target.row + x.first * channels * 4
    const [dxRow, dxPixel] = [target.row * shape.strides[0], channels * 4 * shape.strides[1]]
    steps.push(
      tapPanelsStep(context, filter, [tapTable, taps.length], channels, filters, panels),
      byImages(
        run,
        (first, images) =>
          kernels.convolve(
            dy + first * image,
            image,
            row,
            pixel,
            dx + first * target.image,
            target.image,
            dxRow,
            dxPixel,
            images,
            y.count,
            x.count,
            runTable,
            runs.length,
            length,
            panels,
            channels,
            0,
            4,
            run.scratch,
          ),
        isSmall(y.count, x.count),
      ),
    )
  }
  return steps
}
