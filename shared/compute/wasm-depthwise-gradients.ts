import { must } from '../core/assert.ts'
import { backend_util } from './tf.ts'
import { heapF32, putKernel, type WasmKernel } from './wasm-heap.ts'

type Shape4 = [number, number, number, number]

const depthwiseInfo = (inputShape: unknown, filterShape: unknown, attrs: Record<string, unknown>) =>
  backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    attrs['strides'] as number | [number, number],
    attrs['dilations'] as number | [number, number],
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
    true,
  )

type Info = ReturnType<typeof depthwiseInfo>

/** Calls `visit` for each (image, output row, filter row) that meets an input row, with the input row. */
function eachRow(info: Info, visit: (n: number, oy: number, ky: number, iy: number) => void): void {
  for (let n = 0; n < info.batchSize; n++) {
    for (let oy = 0; oy < info.outHeight; oy++) {
      for (let ky = 0; ky < info.filterHeight; ky++) {
        const iy = oy * info.strideHeight + ky * info.dilationHeight - info.padInfo.top
        if (iy >= 0 && iy < info.inHeight) visit(n, oy, ky, iy)
      }
    }
  }
}

/** dw[ky,kx,c,m] = sum over n, y, x of x[n, y*s+ky, x*s+kx, c] * dy[n, y, x, c*M+m]. */
const filterGradient: WasmKernel = (inputs, attrs, backend) => {
  const x = must(inputs['x'], 'input x')
  const dy = must(inputs['dy'], 'input dy')
  const filterShape = attrs['filterShape'] as Shape4
  const info = depthwiseInfo(x.shape, filterShape, attrs)
  const out = backend.makeOutput([...filterShape], 'float32')
  const [xs, ys, target] = [heapF32(backend, x), heapF32(backend, dy), heapF32(backend, out)]
  const [, kw, channels, multiplier] = filterShape
  const sums = new Float64Array(target.length)
  eachRow(info, (n, oy, ky, iy) => {
    for (let ox = 0; ox < info.outWidth; ox++) {
      const yAt = ((n * info.outHeight + oy) * info.outWidth + ox) * channels * multiplier
      for (let kx = 0; kx < kw; kx++) {
        const ix = ox * info.strideWidth + kx * info.dilationWidth - info.padInfo.left
        if (ix < 0 || ix >= info.inWidth) continue
        const xAt = ((n * info.inHeight + iy) * info.inWidth + ix) * channels
        const wAt = (ky * kw + kx) * channels * multiplier
        for (let c = 0, cm = 0; c < channels; c++) {
          const value = xs[xAt + c] as number
          for (let m = 0; m < multiplier; m++, cm++) sums[wAt + cm] = (sums[wAt + cm] as number) + value * (ys[yAt + cm] as number)
        }
      }
    }
  })
  target.set(sums)
  return out
}

/** dx[n, y*s+ky, x*s+kx, c] += sum over m of w[ky,kx,c,m] * dy[n, y, x, c*M+m]. */
const inputGradient: WasmKernel = (inputs, attrs, backend) => {
  const dy = must(inputs['dy'], 'input dy')
  const filter = must(inputs['filter'], 'input filter')
  const inputShape = attrs['inputShape'] as Shape4
  const info = depthwiseInfo(inputShape, filter.shape, attrs)
  const out = backend.makeOutput([...inputShape], 'float32')
  const [ws, ys, target] = [heapF32(backend, filter), heapF32(backend, dy), heapF32(backend, out)]
  const [, kw, channels, multiplier] = filter.shape as Shape4
  target.fill(0)
  eachRow(info, (n, oy, ky, iy) => {
    for (let ox = 0; ox < info.outWidth; ox++) {
      const yAt = ((n * info.outHeight + oy) * info.outWidth + ox) * channels * multiplier
      for (let kx = 0; kx < kw; kx++) {
        const ix = ox * info.strideWidth + kx * info.dilationWidth - info.padInfo.left
        if (ix < 0 || ix >= info.inWidth) continue
        const xAt = ((n * info.inHeight + iy) * info.inWidth + ix) * channels
        const wAt = (ky * kw + kx) * channels * multiplier
        for (let c = 0, cm = 0; c < channels; c++) {
          let sum = target[xAt + c] as number
          for (let m = 0; m < multiplier; m++, cm++) sum += (ws[wAt + cm] as number) * (ys[yAt + cm] as number)
          target[xAt + c] = sum
        }
      }
    }
  })
  return out
}

export function registerDepthwiseGradients(): void {
  putKernel('DepthwiseConv2dNativeBackpropFilter', undefined, filterGradient)
  putKernel('DepthwiseConv2dNativeBackpropInput', undefined, inputGradient)
}
