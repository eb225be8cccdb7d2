import type { ConvolutionShape } from './convolution-shape.ts'
import type { Halo } from './region.ts'

/** How a convolution's output is cut into tiles for Winograd's algorithm; see the kernels. */
export type WinogradShape = {
  /** Points along each axis at which a tile is evaluated, and pixels that it reads. */
  readonly axisPoints: 6 | 8
  /** Tiles of an image from top to bottom, and from left to right. */
  readonly down: number
  readonly across: number
}

/** Pixels along each side of a tile. */
export const TILE_SIZE = 4

/** What turning a tile's values of one channel into values at the points costs, and likewise a filter's of one pair of channels: in products that the same time would do. */
const TILE_COST = { 6: 550, 8: 1000 }
const FILTER_COST = { 6: 1300, 8: 2300 }
/** Of the plain convolution's products; closer to it, the answer is not worth the memory. */
const WORTH = 0.8
/** Values at the points that a plan that trains keeps at a time, of one image at least. */
const MAX_KEPT_BYTES = 2 ** 26

const tilesOf = (pixels: number): number => Math.ceil(pixels / TILE_SIZE)

export type WinogradPlan = { readonly batchSize: number; readonly trains: boolean /** Whether it pays or not. */; readonly tiled: boolean }

/** How the convolution is tiled where it can be and that pays; else undefined. Answers differ by rounding only. */
export function winogradShape(shape: ConvolutionShape, { batchSize, trains, tiled }: WinogradPlan): WinogradShape | undefined {
  const [, , channels] = shape.input
  const { filters, kernel, strides, dilation, output } = shape
  const [taps] = kernel
  if (kernel[1] !== taps || (taps !== 3 && taps !== 5)) return undefined
  if ([...strides, ...dilation].some((step) => step !== 1) || channels % 8 !== 0 || filters % 8 !== 0) return undefined
  const axisPoints = taps === 3 ? 6 : 8
  const [down, across] = [tilesOf(output[0]), tilesOf(output[1])]
  const tiles = { axisPoints, down, across } as const
  if (tiled) return tiles
  const products = axisPoints ** 2 * channels * filters + TILE_COST[axisPoints] * (channels + filters)
  const cost = down * across * products + (trains ? (FILTER_COST[axisPoints] * channels * filters) / batchSize : 0)
  if (cost > WORTH * output[0] * output[1] * taps * taps * channels * filters) return undefined
  if (trains && down * across * axisPoints ** 2 * 4 * (channels + filters) > MAX_KEPT_BYTES) return undefined
  return tiles
}

/** The zeros that the tiles read around the input. */
export function winogradHalo({ input, top, left }: ConvolutionShape, { axisPoints, down, across }: WinogradShape): Halo {
  const beyond = (tiles: number, before: number, pixels: number): number =>
    Math.max(0, (tiles - 1) * TILE_SIZE + axisPoints - before - pixels)
  return { top, left, bottom: beyond(down, top, input[0]), right: beyond(across, left, input[1]) }
}
