import type { GradientTarget, LoweringContext } from './lowering.ts'
import { byStretch, evenness, type Step } from './share.ts'

/** What a filter gradient multiplies: `x` are the values that a filter's first tap meets, `dy` the gradient of what it answers; byte strides between images, rows and pixels. */
export type FilterGradient = {
  readonly x: readonly [address: number, image: number, row: number, pixel: number]
  readonly dy: readonly [address: number, image: number, row: number, pixel: number]
  /** Asked when the step runs. */
  readonly images: () => number
  readonly height: number
  readonly width: number
  /** A table of byte offsets, how many, and the floats at each. */
  readonly runs: readonly [table: number, count: number, length: number]
  readonly channels: number
  /** Bytes between the target's rows, where they are more than its channels. */
  readonly stride?: number
  readonly target: GradientTarget
}

/** Less work that one thread does for all is worth a share that is a little less even. */
const SLIGHTLY = 0.1

/** Sums some rows and channels of a filter's gradient. One run is cut within, several between. */
export function filterGradientSum({ kernels, run }: LoweringContext, given: FilterGradient) {
  const { x, dy, images, height, width, channels, target } = given
  const [table, count, length] = given.runs
  const { stride = channels * 4 } = given
  const [entries, floats] = count === 1 ? [0, 1] : [4, length]
  return (row: number, rowCount: number, channel: number, channelCount: number): void => {
    const [address, image, line, pixel] = x
    const [gradient, ...strides] = dy
    const from = address + (count === 1 ? row * 4 : 0)
    const to = target.address + row * floats * stride + channel * 4
    const [runCount, runLength] = count === 1 ? [1, rowCount] : [rowCount, length]
    const runs = table + row * entries
    kernels.filterGradient(
      from,
      image,
      line,
      pixel,
      gradient + channel * 4,
      ...strides,
      images(),
      height,
      width,
      runs,
      runCount,
      runLength,
      to,
      stride,
      channelCount,
      target.mode,
      run.rate,
      run.scratch,
    )
  }
}

/** The step that sums a filter's gradient. Threads take some of its channels each, or some of its rows. */
export function filterGradientStep(context: LoweringContext, given: FilterGradient): Step {
  const { run } = context
  const { height, width, channels } = given
  const [, count, length] = given.runs
  const rows = count === 1 ? length : count
  const sum = filterGradientSum(context, given)
  const panels = evenness(Math.ceil(channels / 8), run.parts)
  // a dense layer's rows lie side by side in memory; elsewhere, rows would have every thread pack the whole gradient
  const byRows = height * width === 1 ? evenness(rows, run.parts) > panels - SLIGHTLY : evenness(rows, run.parts) > panels + SLIGHTLY
  if (byRows) return byStretch('weights', rows, 1, (row, own) => sum(row, own, 0, channels))
  return byStretch('weights', channels, 8, (channel, own) => sum(0, rows, channel, own))
}
