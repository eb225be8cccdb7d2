import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import { distance, kernelMemory, values } from './kernel-memory.ts'

const TILE_SIZE = 4
const at = (array: ArrayLike<number>, i: number): number => array[i] as number

/** A convolution of 3 or 5 taps over a batch whose halo the last tiles reach into, and its gradients, by plain loops. */
const geometry = fc.record({
  axisPoints: fc.constantFrom(6, 8),
  images: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 1, max: 11 }),
  width: fc.integer({ min: 1, max: 11 }),
  channels: fc.constantFrom(8, 16),
  filters: fc.constantFrom(8, 24),
  relu: fc.boolean(),
  seed: fc.integer(),
})

type Geometry = typeof geometry extends fc.Arbitrary<infer T> ? T : never

function byPlainLoops({ axisPoints, images, height, width, channels, filters, relu, seed }: Geometry) {
  const taps = axisPoints - TILE_SIZE + 1
  const [down, across] = [Math.ceil(height / TILE_SIZE), Math.ceil(width / TILE_SIZE)]
  // all that tiles read
  const [rows, columns] = [(down - 1) * TILE_SIZE + axisPoints, (across - 1) * TILE_SIZE + axisPoints]
  const x = values(seed, images * rows * columns * channels)
  const filter = values(seed + 1, taps * taps * channels * filters)
  const bias = values(seed + 2, filters)
  const dy = values(seed + 3, images * height * width * filters)
  const y = Float64Array.from({ length: dy.length }, (_, i) => at(bias, i % filters))
  const [dx, gradient] = [new Float64Array(x.length), new Float64Array(filter.length)]
  for (let i = 0; i < images; i++)
    for (let r = 0; r < height; r++)
      for (let s = 0; s < width; s++)
        for (let tap = 0; tap < taps * taps; tap++)
          for (let c = 0; c < channels; c++) {
            const from = ((i * rows + r + Math.floor(tap / taps)) * columns + s + (tap % taps)) * channels + c
            for (let f = 0; f < filters; f++) {
              const [to, weight] = [((i * height + r) * width + s) * filters + f, (tap * channels + c) * filters + f]
              y[to] = at(y, to) + at(x, from) * at(filter, weight)
              dx[from] = at(dx, from) + at(dy, to) * at(filter, weight)
              gradient[weight] = at(gradient, weight) + at(dy, to) * at(x, from)
            }
          }
  return { down, across, rows, columns, x, filter, bias, dy, y: relu ? y.map((value) => Math.max(0, value)) : y, dx, gradient }
}

describe.each(KERNEL_BUILDS)('[CMP-28] %s kernels', async (build) => {
  const { kernels, put, room, read, table } = await kernelMemory(build)

  test('a convolution by tiles and its gradients, whole and broken tiles, some at a time, by plain loops', () => {
    fc.assert(
      fc.property(geometry, (given) => {
        const { axisPoints, images, height, width, channels, filters, relu } = given
        const { down, across, rows, columns, ...want } = byPlainLoops(given)
        const [tiles, points] = [images * down * across, axisPoints ** 2]
        const [xAt, filterAt, biasAt, dyAt] = [put(want.x), put(want.filter), put(want.bias), put(want.dy)]
        const dx = put(new Float32Array(want.dx.length))
        const [xRow, yRow] = [columns * channels * 4, width * filters * 4]
        const [xImage, yImage] = [rows * xRow, height * yRow]
        const [inPoint, outPoint, panelPoint] = [tiles * channels * 4 + 16, tiles * filters * 4 + 32, channels * filters * 4 + 64]
        const matrices = (point: number): number => room((points * point) / 4)
        const scratch = room(4096)
        const panels = matrices(panelPoint)
        const transposed = matrices(panelPoint)
        // as several threads would
        for (const first of [0, 8]) {
          kernels.winogradFilter(
            filterAt,
            axisPoints,
            channels,
            filters,
            0,
            first,
            first === 0 ? 8 : filters - 8,
            panels,
            panelPoint,
            scratch,
          )
          kernels.winogradFilter(
            filterAt,
            axisPoints,
            channels,
            filters,
            1,
            first,
            first === 0 ? 8 : channels - 8,
            transposed,
            panelPoint,
            scratch,
          )
        }
        const [input, products, output] = [matrices(inPoint), matrices(inPoint + outPoint), room(want.y.length)]
        const some = Math.ceil(tiles / 2)
        for (const first of tiles > 1 ? [0, some] : [0]) {
          const count = Math.min(some, tiles - first)
          const [from, to] = [input + first * channels * 4, products + first * filters * 4]
          kernels.winogradInput(xAt, xImage, xRow, channels, axisPoints, down, across, first, count, from, inPoint, scratch)
          kernels.winogradProducts(from, inPoint, panels, panelPoint, points, count, channels, filters, to, outPoint, scratch)
          const flags = relu ? 1 : 0
          kernels.winogradOutput(
            to,
            outPoint,
            first,
            count,
            output,
            yImage,
            yRow,
            height,
            width,
            filters,
            axisPoints,
            down,
            across,
            biasAt,
            flags,
            scratch,
          )
        }
        expect(distance(read(output, want.y.length), want.y)).toBeLessThan(2e-5)

        const gradient = matrices(outPoint)
        for (const first of tiles > 1 ? [0, some] : [0]) {
          const count = Math.min(some, tiles - first)
          const [from, to] = [gradient + first * filters * 4, products]
          kernels.winogradGradient(
            dyAt,
            yImage,
            yRow,
            height,
            width,
            filters,
            axisPoints,
            down,
            across,
            first,
            count,
            from,
            outPoint,
            scratch,
          )
          kernels.winogradProducts(from, outPoint, transposed, panelPoint, points, count, filters, channels, to, inPoint, scratch)
          kernels.winogradInputGradient(to, inPoint, first, count, dx, xImage, xRow, channels, axisPoints, down, across, scratch)
        }
        expect(distance(read(dx, want.dx.length), want.dx)).toBeLessThan(2e-5)

        const [sums, target] = [matrices(panelPoint), room(want.gradient.length)]
        const runs = table([0])
        for (const first of [0, 5])
          kernels.winogradSums(
            input + first * inPoint,
            inPoint,
            gradient + first * outPoint,
            outPoint,
            tiles,
            channels,
            filters,
            first === 0 ? 5 : points - 5,
            sums + first * panelPoint,
            panelPoint,
            0,
            runs,
            scratch,
          )
        for (const [first, count] of [
          [0, 3],
          [3, channels - 3],
        ] as const)
          kernels.winogradFilterGradient(sums, panelPoint, axisPoints, channels, filters, first, count, target, 0, 0, scratch)
        expect(distance(read(target, want.gradient.length), want.gradient)).toBeLessThan(2e-5)
        kernels.winogradSums(input, inPoint, gradient, outPoint, tiles, channels, filters, points, sums, panelPoint, 1, runs, scratch)
        kernels.winogradFilterGradient(sums, panelPoint, axisPoints, channels, filters, 0, channels, filterAt, 2, 0.25, scratch)
        const stepped = want.filter.map((value, i) => value - 0.5 * at(want.gradient, i))
        expect(distance(read(filterAt, stepped.length), stepped)).toBeLessThan(2e-5)
      }),
      { numRuns: 40 },
    )
  })
})
