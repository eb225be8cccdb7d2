import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import { distance, kernelMemory, values } from './kernel-memory.ts'

const size = (most: number) => fc.integer({ min: 1, max: most })
const at = (array: ArrayLike<number>, i: number): number => array[i] as number

describe.each(KERNEL_BUILDS)('[CMP-28] %s kernels', async (build) => {
  const memory = await kernelMemory(build)
  const { kernels, put, room, read, table } = memory

  test('multiply: products of any size, either way round, with bias, ReLU, ReLU6 and sums that go on', () => {
    fc.assert(
      fc.property(
        size(20),
        size(200),
        size(37),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom([0, -Infinity, Infinity] as const, [1, 0, Infinity] as const, [9, 0, 6] as const),
        fc.integer(),
        (rows, inner, columns, transposed, bias, [stored, least, most], seed) => {
          const [a, b, c] = [values(seed, rows * inner), values(seed + 1, inner * columns), values(seed + 2, columns)]
          const want = new Float32Array(rows * columns)
          for (let r = 0; r < rows; r++)
            for (let n = 0; n < columns; n++) {
              let sum = bias ? at(c, n) : 0
              for (let k = 0; k < inner; k++) sum += at(a, r * inner + k) * at(b, transposed ? n * inner + k : k * columns + n)
              want[r * columns + n] = Math.min(most, Math.max(least, sum))
            }
          const [aAt, bAt, cAt, to, scratch] = [
            put(a),
            put(b),
            put([...c, ...new Float32Array(8)]),
            room(rows * columns),
            room(16 + 16 * inner),
          ]
          const bStride = (transposed ? inner : columns) * 4
          const flags = stored + (bias ? 0 : 4)
          kernels.multiply(aAt, inner * 4, bAt, bStride, transposed ? 1 : 0, to, columns * 4, rows, inner, columns, cAt, flags, scratch)
          expect(distance(read(to, rows * columns), want)).toBeLessThan(1e-5)
          // flag 2 goes on from what is there
          kernels.multiply(aAt, inner * 4, bAt, bStride, transposed ? 1 : 0, to, columns * 4, rows, inner, columns, 0, 2, scratch)
          const plain = want.map((value, i) => {
            let sum = value
            const [r, n] = [Math.floor(i / columns), i % columns]
            for (let k = 0; k < inner; k++) sum += at(a, r * inner + k) * at(b, transposed ? n * inner + k : k * columns + n)
            return sum
          })
          expect(distance(read(to, rows * columns), plain)).toBeLessThan(1e-5)
        },
      ),
      { numRuns: 60 },
    )
  })

  /** A batch with a halo, a filter, and what a convolution makes of them by plain loops. */
  const geometry = fc.record({
    images: size(3),
    height: size(7),
    width: size(7),
    channels: size(6),
    filters: size(19),
    kernel: size(3),
    stride: size(2),
    seed: fc.integer(),
  })

  test('convolve and filterGradient: any geometry, by plain loops', () => {
    fc.assert(
      fc.property(geometry, ({ images, height, width, channels, filters, kernel, stride, seed }) => {
        const [inHeight, inWidth] = [(height - 1) * stride + kernel, (width - 1) * stride + kernel]
        const x = values(seed, images * inHeight * inWidth * channels)
        const rows = kernel * kernel * channels
        const filter = values(seed + 1, rows * filters)
        const dy = values(seed + 2, images * height * width * filters)
        const want = new Float32Array(dy.length)
        const gradient = new Float32Array(filter.length)
        for (let i = 0; i < images; i++)
          for (let y = 0; y < height; y++)
            for (let z = 0; z < width; z++)
              for (let ky = 0; ky < kernel; ky++)
                for (let kx = 0; kx < kernel; kx++)
                  for (let c = 0; c < channels; c++) {
                    const value = at(x, ((i * inHeight + y * stride + ky) * inWidth + z * stride + kx) * channels + c)
                    const row = (ky * kernel + kx) * channels + c
                    for (let f = 0; f < filters; f++) {
                      const out = ((i * height + y) * width + z) * filters + f
                      want[out] = at(want, out) + value * at(filter, row * filters + f)
                      gradient[row * filters + f] = at(gradient, row * filters + f) + value * at(dy, out)
                    }
                  }
        const [xAt, filterAt, dyAt] = [put(x), put(filter), put(dy)]
        const [to, panels, scratch] = [
          room(want.length),
          room(rows * Math.ceil(filters / 8) * 8),
          room(16 + 8 * images * height * width * Math.ceil(filters / 8)),
        ]
        const [xPixel, xRow] = [channels * 4, inWidth * channels * 4]
        const runs = table(Array.from({ length: kernel }, (_, y) => y * xRow))
        const [outPixel, outRow, outImage] = [filters * 4, width * filters * 4, height * width * filters * 4]
        kernels.packPanels(filterAt, filters * 4, rows, filters, panels)
        kernels.convolve(
          xAt,
          inHeight * xRow,
          xRow * stride,
          xPixel * stride,
          to,
          outImage,
          outRow,
          outPixel,
          images,
          height,
          width,
          runs,
          kernel,
          kernel * channels,
          panels,
          filters,
          0,
          4,
          scratch,
        )
        expect(distance(read(to, want.length), want)).toBeLessThan(1e-5)
        const sums = (mode: number, target: number, rate: number): void =>
          kernels.filterGradient(
            xAt,
            inHeight * xRow,
            xRow * stride,
            xPixel * stride,
            dyAt,
            outImage,
            outRow,
            outPixel,
            images,
            height,
            width,
            runs,
            kernel,
            kernel * channels,
            target,
            filters * 4,
            filters,
            mode,
            rate,
            scratch,
          )
        const target = room(filter.length)
        sums(0, target, 0)
        expect(distance(read(target, filter.length), gradient)).toBeLessThan(1e-5)
        sums(1, target, 0)
        expect(
          distance(
            read(target, filter.length),
            gradient.map((value) => 2 * value),
          ),
        ).toBeLessThan(1e-5)
        sums(2, filterAt, 0.5)
        expect(
          distance(
            read(filterAt, filter.length),
            filter.map((value, i) => value - 0.5 * at(gradient, i)),
          ),
        ).toBeLessThan(1e-5)
        const bias = room(filters)
        kernels.channelSums(dyAt, outImage, outRow, outPixel, images, height, width, filters, bias, 0, 0)
        const sumsOfChannels = Float32Array.from({ length: filters }, (_, f) => {
          let sum = 0
          for (let p = f; p < dy.length; p += filters) sum += at(dy, p)
          return sum
        })
        expect(distance(read(bias, filters), sumsOfChannels)).toBeLessThan(1e-5)
      }),
      { numRuns: 60 },
    )
  })
})
