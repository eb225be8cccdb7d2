import { expect, test } from 'vitest'
import { convolutionShape } from '../../../../shared/compute/plan/convolution-shape.ts'
import { winogradHalo, winogradShape } from '../../../../shared/compute/plan/winograd-shape.ts'

type Options = Parameters<typeof convolutionShape>[0]

const shapeOf = (options: Partial<Options> = {}) =>
  convolutionShape({ input: [14, 14, 32], filters: 64, kernel: [5, 5], strides: [1, 1], dilation: [1, 1], same: true, ...options })
const tiled = (options: Partial<Options>, batchSize = 32, trains = true) =>
  winogradShape(shapeOf(options), { batchSize, trains, tiled: false })

test('[CMP-123] convolutions of 3 x 3 and 5 x 5 go by tiles where that takes fewer products', () => {
  expect(tiled({})).toEqual({ axisPoints: 8, down: 4, across: 4 })
  expect(tiled({ kernel: [3, 3], input: [28, 15, 32], same: false })).toEqual({ axisPoints: 6, down: 7, across: 4 })
})

test.each([
  ['other filters', { kernel: [3, 5] as const }],
  ['strides', { strides: [1, 2] as const }],
  ['dilation', { dilation: [2, 1] as const }],
  ['channels that are no eights', { input: [14, 14, 20] as const }],
  ['filters that are no eights', { filters: 63 }],
  ['too few channels for what turning them costs', { input: [14, 14, 8] as const, filters: 8, kernel: [3, 3] as const }],
  ['tiles that hang over too far', { input: [1, 1, 64] as const, kernel: [3, 3] as const }],
])('[CMP-123] %s are done plainly', (_, options) => {
  expect(tiled(options)).toBeUndefined()
})

test('[CMP-123] a batch too small for turning the filter is trained plainly, and images too large for what is kept of them', () => {
  const deep = { input: [4, 4, 256] as const, filters: 256, kernel: [3, 3] as const }
  expect(tiled(deep, 1)).toBeUndefined()
  expect(tiled(deep, 1, false)).toBeDefined()
  expect(tiled(deep, 32)).toBeDefined()
  const wide = { input: [300, 400, 64] as const, kernel: [3, 3] as const }
  expect(tiled(wide, 8)).toBeUndefined()
  expect(tiled(wide, 8, false)).toBeDefined()
})

test('[CMP-123] the last tiles reach beyond the input', () => {
  const shape = shapeOf({ input: [13, 14, 32] })
  expect(winogradHalo(shape, { axisPoints: 8, down: 4, across: 4 })).toEqual({ top: 2, left: 2, bottom: 5, right: 4 })
})
