import { type Halo, type Region } from './region.ts'

type Pair = readonly [number, number]

/** A 2-D convolution over [height, width, channels]. `top` and `left` are the zeros before the first row and column. */
export type ConvolutionShape = {
  readonly input: readonly [height: number, width: number, channels: number]
  readonly output: Pair
  readonly filters: number
  readonly kernel: Pair
  readonly strides: Pair
  readonly dilation: Pair
  readonly top: number
  readonly left: number
}

const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1

/** Output size and leading padding along one axis, as TensorFlow has them. */
function alongAxis(size: number, kernel: number, stride: number, dilation: number, same: boolean): Pair {
  const window = reach(kernel, dilation)
  if (!same) return [Math.floor((size - window) / stride) + 1, 0]
  const output = Math.ceil(size / stride)
  return [output, Math.floor(Math.max((output - 1) * stride + window - size, 0) / 2)]
}

export function convolutionShape(options: {
  readonly input: readonly [number, number, number]
  readonly filters: number
  readonly kernel: Pair
  readonly strides: Pair
  readonly dilation: Pair
  readonly same: boolean
}): ConvolutionShape {
  const { input, kernel, strides, dilation, same } = options
  const [height, top] = alongAxis(input[0], kernel[0], strides[0], dilation[0], same)
  const [width, left] = alongAxis(input[1], kernel[1], strides[1], dilation[1], same)
  return { input, output: [height, width], filters: options.filters, kernel, strides, dilation, top, left }
}

const after = (shape: ConvolutionShape, axis: 0 | 1, before: number): number =>
  Math.max(0, (shape.output[axis] - 1) * shape.strides[axis] + reach(shape.kernel[axis], shape.dilation[axis]) - before - shape.input[axis])

/** The zeros that a convolution reads around its input. */
export const inputHalo = (shape: ConvolutionShape): Halo => ({
  top: shape.top,
  left: shape.left,
  bottom: after(shape, 0, shape.top),
  right: after(shape, 1, shape.left),
})

/** Runs of `length` floats, at byte offsets from a pixel's first input value, that meet a filter from its first to its last row. */
export type Runs = { readonly offsets: readonly number[]; readonly length: number }

export function runsOf({ input, kernel, dilation }: ConvolutionShape, { row }: Region): Runs {
  const channels = input[2]
  const lines = Array.from({ length: kernel[0] }, (_, y) => y * dilation[0] * row)
  if (dilation[1] === 1) return { offsets: lines, length: kernel[1] * channels }
  const pixels = Array.from({ length: kernel[1] }, (_, x) => x * dilation[1] * channels * 4)
  return { offsets: lines.flatMap((line) => pixels.map((pixel) => line + pixel)), length: channels }
}

/** Pixels that filterGradient packs at a time. */
export const pixelsBelow = ({ output: [height, width] }: ConvolutionShape, images: number): number =>
  Math.min(images, Math.max(1, Math.floor(512 / (height * width)))) * height * width

/**
 * Input positions along one axis whose gradient meets the same taps: from `first`, every `stride`th, `count` of them. `taps` are in the order of growing output
 * position, the first at `from`, one output position (`step` of them) apart.
 */
export type Phase = {
  readonly first: number
  readonly count: number
  readonly taps: readonly number[]
  readonly from: number
  readonly step: number
}

/** The gradient by the input is a convolution of the output's gradient; with strides it falls into as many as the stride, each with its share of the taps. */
export function phasesOf(shape: ConvolutionShape, axis: 0 | 1): Phase[] {
  const [size, stride, kernel, dilation] = [shape.input[axis], shape.strides[axis], shape.kernel[axis], shape.dilation[axis]]
  const before = axis === 0 ? shape.top : shape.left
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const count = Math.ceil((size - first) / stride)
    // output o reads input i through tap k where o * stride + k * dilation = i + before
    const taps = Array.from({ length: kernel }, (_, k) => k).filter((k) => (first + before - k * dilation) % stride === 0)
    taps.reverse()
    const from = taps.length === 0 ? 0 : (first + before - (taps[0] ?? 0) * dilation) / stride
    const next = taps.length < 2 ? from + 1 : (first + before - (taps[1] ?? 0) * dilation) / stride
    return { first, count, taps, from, step: next - from }
  })
}

/** The zeros around the output's gradient that the input's gradient reads. */
export function gradientHalo(shape: ConvolutionShape): Halo {
  const along = (axis: 0 | 1): Pair => {
    let [before, behind] = [0, 0]
    for (const { count, taps, from, step } of phasesOf(shape, axis)) {
      if (taps.length === 0) continue
      before = Math.max(before, -from)
      behind = Math.max(behind, from + (taps.length - 1) * step + count - shape.output[axis])
    }
    return [before, behind]
  }
  const [top, bottom] = along(0)
  const [left, right] = along(1)
  return { top, bottom, left, right }
}

/** Whether an image has so few pixels that products over one at a time would have small tiles. */
export const isSmall = (height: number, width: number): boolean => height * width < 48
