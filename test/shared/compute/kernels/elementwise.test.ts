import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KERNEL_BUILDS } from '../../../../shared/compute/kernels/load-kernels.ts'
import { distance, kernelMemory, values } from './kernel-memory.ts'

const at = (array: ArrayLike<number>, i: number): number => array[i] as number
const size = (most: number) => fc.integer({ min: 1, max: most })

describe.each(KERNEL_BUILDS)('[CMP-28] %s kernels', async (build) => {
  const { kernels, put, room, read } = await kernelMemory(build)

  test('softmax and its cross-entropy: any width, logits from -80 to 80', () => {
    fc.assert(
      fc.property(size(5), size(13), fc.integer(), fc.constantFrom(1, 10, 80), (rows, width, seed, range) => {
        const logits = values(seed, rows * width).map((value) => value * range)
        const targets = values(seed + 1, rows).map((value) => Math.floor(((value + 1) / 2) * width))
        const weights = values(seed + 2, rows).map(Math.abs)
        const probabilities = new Float32Array(rows * width)
        const losses = new Float32Array(rows)
        const gradient = new Float32Array(rows * width)
        for (let r = 0; r < rows; r++) {
          const row = logits.subarray(r * width, (r + 1) * width)
          const most = Math.max(...row)
          const sum = row.reduce((total, value) => total + Math.exp(value - most), 0)
          losses[r] = at(weights, r) * (Math.log(sum) - (at(row, at(targets, r)) - most))
          for (let c = 0; c < width; c++) {
            const p = Math.exp(at(row, c) - most) / sum
            probabilities[r * width + c] = p
            gradient[r * width + c] = (p - (c === at(targets, r) ? 1 : 0)) * at(weights, r) * 0.25
          }
        }
        const [from, to, dx, targetsAt, weightsAt, lossesAt, right] = [
          put(logits),
          room(rows * width),
          room(rows * width),
          put(targets),
          put(weights),
          room(rows),
          room(rows),
        ]
        kernels.softmax(from, to, rows, width)
        expect(distance(read(to, rows * width), probabilities)).toBeLessThan(2e-6)
        kernels.softmaxCrossEntropy(from, targetsAt, weightsAt, lossesAt, right, dx, rows, width, 0.25)
        expect(distance(read(lossesAt, rows), losses)).toBeLessThan(2e-6)
        expect(distance(read(dx, rows * width), gradient)).toBeLessThan(2e-6)
        const rightly = Array.from({ length: rows }, (_, r) => {
          const row = logits.subarray(r * width, (r + 1) * width)
          return row.indexOf(Math.max(...row)) === at(targets, r) ? 1 : 0
        })
        expect([...read(right, rows)]).toEqual(rightly)
      }),
      { numRuns: 60 },
    )
  })

  test('a loss that is not finite stays so', () => {
    const [logits, targets, weights, losses, right, gradient] = [put([Number.NaN, 1, 2]), put([1]), put([1]), room(1), room(1), room(3)]
    kernels.softmaxCrossEntropy(logits, targets, weights, losses, right, gradient, 1, 3, 1)
    expect(at(read(losses, 1), 0)).toBeNaN()
    kernels.relu(logits, logits, 3)
    expect(at(read(logits, 3), 0)).toBeNaN()
  })

  test('binary cross-entropy, squared and absolute errors', () => {
    fc.assert(
      fc.property(size(5), size(6), fc.integer(), (rows, width, seed) => {
        const answers = values(seed, rows * width).map((value) => value * 20)
        const wanted = values(seed + 1, rows * width)
        const yes = wanted.map((value) => (value > 0 ? 1 : 0))
        const weights = values(seed + 2, rows).map(Math.abs)
        const weight = (i: number): number => at(weights, Math.floor(i / width)) / width
        const perRow = (loss: (z: number, i: number) => number): Float32Array =>
          Float32Array.from({ length: rows }, (_, r) => {
            let sum = 0
            for (let i = r * width; i < (r + 1) * width; i++) sum += loss(at(answers, i), i) * weight(i)
            return sum
          })
        const [from, wantedAt, yesAt, weightsAt, losses, right, dx] = [
          put(answers),
          put(wanted),
          put(yes),
          put(weights),
          room(rows),
          room(rows),
          room(rows * width),
        ]
        kernels.binaryCrossEntropy(from, yesAt, weightsAt, losses, right, dx, rows, width, 0.5)
        expect(
          distance(
            read(losses, rows),
            perRow((z, i) => Math.max(z, 0) - at(yes, i) * z + Math.log1p(Math.exp(-Math.abs(z)))),
          ),
        ).toBeLessThan(2e-6)
        expect(
          distance(
            read(dx, rows * width),
            answers.map((z, i) => (1 / (1 + Math.exp(-z)) - at(yes, i)) * weight(i) * 0.5),
          ),
        ).toBeLessThan(2e-6)
        kernels.regressionLoss(from, wantedAt, weightsAt, losses, dx, rows, width, 0.5, 0)
        expect(
          distance(
            read(losses, rows),
            perRow((z, i) => (z - at(wanted, i)) ** 2),
          ),
        ).toBeLessThan(2e-6)
        expect(
          distance(
            read(dx, rows * width),
            answers.map((z, i) => 2 * (z - at(wanted, i)) * weight(i) * 0.5),
          ),
        ).toBeLessThan(2e-6)
        kernels.regressionLoss(from, wantedAt, weightsAt, losses, dx, rows, width, 0.5, 1)
        expect(
          distance(
            read(losses, rows),
            perRow((z, i) => Math.abs(z - at(wanted, i))),
          ),
        ).toBeLessThan(2e-6)
        expect(
          distance(
            read(dx, rows * width),
            answers.map((z, i) => Math.sign(z - at(wanted, i)) * weight(i) * 0.5),
          ),
        ).toBeLessThan(2e-6)
      }),
      { numRuns: 40 },
    )
  })

  test('maximum pooling: windows that overlap, leave gaps or hang over the border; the first maximum takes the gradient', () => {
    fc.assert(
      fc.property(
        size(2),
        size(7),
        size(7),
        size(8),
        size(3),
        size(3),
        fc.boolean(),
        fc.boolean(),
        fc.integer(),
        (images, height, width, channels, pool, stride, same, positive, seed) => {
          const along = (length: number): [number, number] => {
            if (!same) return [Math.floor((length - pool) / stride) + 1, 0]
            const out = Math.ceil(length / stride)
            return [out, Math.floor(Math.max(0, (out - 1) * stride + pool - length) / 2)]
          }
          const [[outHeight, top], [outWidth, left]] = [along(height), along(width)]
          fc.pre(outHeight > 0 && outWidth > 0)
          // few different values: many ties
          const x = values(seed, images * height * width * channels).map((value) => Math.round(value * 2) + 0)
          const dy = values(seed + 1, images * outHeight * outWidth * channels)
          const y = new Float32Array(dy.length)
          const dx = new Float32Array(x.length)
          for (let i = 0; i < images; i++)
            for (let oy = 0; oy < outHeight; oy++)
              for (let ox = 0; ox < outWidth; ox++)
                for (let c = 0; c < channels; c++) {
                  let [most, best] = [Number.NEGATIVE_INFINITY, -1]
                  for (let wy = Math.max(0, oy * stride - top); wy < Math.min(height, oy * stride - top + pool); wy++)
                    for (let wx = Math.max(0, ox * stride - left); wx < Math.min(width, ox * stride - left + pool); wx++) {
                      const from = ((i * height + wy) * width + wx) * channels + c
                      if (at(x, from) > most) [most, best] = [at(x, from), from]
                    }
                  const to = ((i * outHeight + oy) * outWidth + ox) * channels + c
                  y[to] = most
                  if (!positive || most > 0) dx[best] = at(dx, best) + at(dy, to)
                }
          const [xAt, dyAt, yAt, dxAt] = [put(x), put(dy), room(y.length), put(new Float32Array(x.length))]
          const [row, image] = [width * channels * 4, height * width * channels * 4]
          const [outRow, outImage] = [outWidth * channels * 4, outHeight * outWidth * channels * 4]
          kernels.maxPool(
            xAt,
            image,
            row,
            yAt,
            outImage,
            outRow,
            images,
            height,
            width,
            channels,
            outHeight,
            outWidth,
            pool,
            pool,
            stride,
            stride,
            top,
            left,
          )
          expect([...read(yAt, y.length)]).toEqual([...y])
          const gradientTo = (to: number, add: number): void =>
            kernels.maxPoolGradient(
              xAt,
              image,
              row,
              yAt,
              outImage,
              outRow,
              dyAt,
              outImage,
              outRow,
              to,
              image,
              row,
              images,
              height,
              width,
              channels,
              outHeight,
              outWidth,
              pool,
              pool,
              stride,
              stride,
              top,
              left,
              add,
              positive ? 1 : 0,
            )
          gradientTo(dxAt, 1)
          expect(distance(read(dxAt, x.length), dx)).toBeLessThan(1e-6)
          if (stride !== pool || outHeight * pool !== height || outWidth * pool !== width) return
          // windows side by side: written, not added
          const written = room(x.length)
          gradientTo(written, 0)
          expect(distance(read(written, x.length), dx)).toBeLessThan(1e-6)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('dropout: the same key gives the same mask, near the rate asked for, another key another', () => {
    const ones = new Float32Array(10_003).fill(1)
    const mask = (key: number): Float32Array => {
      const [from, to] = [put(ones), room(ones.length)]
      kernels.dropout(from, to, ones.length, key, Math.round(0.3 * 2 ** 24), 1 / 0.7)
      return read(to, ones.length)
    }
    expect(mask(5)).toEqual(mask(5))
    const kept = (key: number): number => mask(key).filter((value) => value > 0).length
    // five standard deviations of a share of 10,003 draws
    for (const key of [0, 1, 5, -77]) expect(Math.abs(kept(key) / ones.length - 0.7)).toBeLessThan(0.023)
    const [a, b] = [mask(1), mask(2)]
    expect(Math.abs(a.filter((value, i) => value > 0 === at(b, i) > 0).length / ones.length - 0.58)).toBeLessThan(0.025)
  })

  test('optimizer steps, by their formulas', () => {
    const count = 20
    const [w, g, v, m] = [values(1, count), values(2, count), values(3, count), values(4, count).map(Math.abs)]
    const stepped = (run: (w: number, g: number, v: number, m: number) => void): Float32Array => {
      const [wAt, gAt, vAt, mAt] = [put(w), put(g), put(v), put(m)]
      run(wAt, gAt, vAt, mAt)
      return read(wAt, count)
    }
    const f = (formula: (w: number, g: number, v: number, m: number) => number) =>
      w.map((value, i) => formula(value, at(g, i), at(v, i), at(m, i)))
    expect(
      distance(
        stepped((a, b) => kernels.sgdStep(a, b, count, 0.1, 0.5, 0.9)),
        f((a, b) => a * 0.9 - 0.1 * 0.5 * b),
      ),
    ).toBeLessThan(1e-6)
    expect(
      distance(
        stepped((a, b, c) => kernels.momentumStep(a, b, c, count, 0.1, 0.5, 0.9, 0.8, 0)),
        f((a, b, c) => a * 0.9 - 0.1 * (0.8 * c + 0.5 * b)),
      ),
    ).toBeLessThan(1e-6)
    expect(
      distance(
        stepped((a, b, c) => kernels.momentumStep(a, b, c, count, 0.1, 0.5, 0.9, 0.8, 1)),
        f((a, b, c) => a * 0.9 - 0.1 * (0.5 * b + 0.8 * (0.8 * c + 0.5 * b))),
      ),
    ).toBeLessThan(1e-6)
    expect(
      distance(
        stepped((a, b, c, d) => kernels.adamStep(a, b, c, d, count, 0.1, 0.5, 0.9, 0.8, 0.99, 1e-3)),
        f((a, b, c, d) => a * 0.9 - (0.1 * (0.8 * c + 0.2 * 0.5 * b)) / (Math.sqrt(0.99 * d + 0.01 * (0.5 * b) ** 2) + 1e-3)),
      ),
    ).toBeLessThan(1e-6)
    const [from, to] = [put(g), room(4)]
    const squares = kernels.sumOfSquares(from, count)
    expect(squares).toBeCloseTo(
      g.reduce((sum, value) => sum + value * value, 0),
      9,
    )
    kernels.squaresTo(from, count, to)
    kernels.squaresTo(from, 4, to + 8)
    expect(kernels.sumDoubles(to, 2)).toBe(squares + kernels.sumOfSquares(from, 4))
  })
})
