import { must } from '../core/assert.ts'
import { backend_util, type BackendWasm, getKernel, type KernelConfig, type TensorInfo } from './tf.ts'
import { heapF32, putKernel, release, runStock, type WasmKernel } from './wasm-heap.ts'

type Shape5 = [number, number, number, number, number]
type Pool = ReturnType<typeof backend_util.computePool3DInfo>
type Window = Pick<Pool, 'batchSize' | 'inDepth' | 'inHeight' | 'inWidth' | 'outDepth' | 'outHeight' | 'outWidth' | 'padInfo'> &
  Pick<Pool, 'strideDepth' | 'strideHeight' | 'strideWidth'>

/** Calls `visit` with row numbers (pixels, not floats) of input and output wherever tap (kd, kh, kw) falls inside the input. */
function eachPixel(w: Window, [kd, kh, kw]: readonly [number, number, number], visit: (input: number, output: number) => void): void {
  for (let n = 0; n < w.batchSize; n++) {
    for (let od = 0; od < w.outDepth; od++) {
      const id = od * w.strideDepth + kd - w.padInfo.front
      if (id < 0 || id >= w.inDepth) continue
      for (let oy = 0; oy < w.outHeight; oy++) {
        const iy = oy * w.strideHeight + kh - w.padInfo.top
        if (iy < 0 || iy >= w.inHeight) continue
        const out = ((n * w.outDepth + od) * w.outHeight + oy) * w.outWidth
        const row = ((n * w.inDepth + id) * w.inHeight + iy) * w.inWidth
        for (let ox = 0; ox < w.outWidth; ox++) {
          const ix = ox * w.strideWidth + kw - w.padInfo.left
          if (ix >= 0 && ix < w.inWidth) visit(row + ix, out + ox)
        }
      }
    }
  }
}

function eachTap([depth, height, width]: readonly number[], visit: (tap: [number, number, number], index: number) => void): void {
  let index = 0
  for (let kd = 0; kd < (depth ?? 0); kd++)
    for (let kh = 0; kh < (height ?? 0); kh++) for (let kw = 0; kw < (width ?? 0); kw++) visit([kd, kh, kw], index++)
}

const convInfo = (inputShape: unknown, filterShape: unknown, attrs: Record<string, unknown>) =>
  backend_util.computeConv3DInfo(
    inputShape as Shape5,
    filterShape as Shape5,
    attrs['strides'] as number | [number, number, number],
    1,
    attrs['pad'] as 'same' | 'valid',
  )

const matrix = (info: TensorInfo, rows: number, cols: number): TensorInfo => ({ ...info, shape: [1, rows, cols] })

/** A matrix [rows, cols] of its own on the heap. */
const scratch = (backend: BackendWasm, rows: number, cols: number): TensorInfo => backend.makeOutput([1, rows, cols], 'float32')

/** dw[tap] = x[tap]^T dy, one matrix product a tap. */
const filterGradient =
  (product: KernelConfig): WasmKernel =>
  (inputs, attrs, backend) => {
    const [x, dy] = [must(inputs['x'], 'input x'), must(inputs['dy'], 'input dy')]
    const filterShape = attrs['filterShape'] as Shape5
    const info = convInfo(x.shape, filterShape, attrs)
    const [channels, filters] = [filterShape[3], filterShape[4]]
    const pixels = info.batchSize * info.outDepth * info.outHeight * info.outWidth
    const out = backend.makeOutput([...filterShape], 'float32')
    const taken = scratch(backend, pixels, channels)
    eachTap(filterShape, (tap, index) => {
      const [from, to] = [heapF32(backend, x), heapF32(backend, taken)]
      to.fill(0)
      eachPixel(info, tap, (input, output) => to.set(from.subarray(input * channels, (input + 1) * channels), output * channels))
      const part = runStock(product, backend, { a: taken, b: matrix(dy, pixels, filters) }, { transposeA: true, transposeB: false })
      heapF32(backend, out).set(heapF32(backend, part), index * channels * filters)
      release(backend, part)
    })
    release(backend, taken)
    return out
  }

/** dx += dy w[tap]^T, one matrix product a tap. Also the forward pass of a transposed convolution. */
const inputGradient =
  (product: KernelConfig): WasmKernel =>
  (inputs, attrs, backend) => {
    const [dy, filter] = [must(inputs['dy'], 'input dy'), must(inputs['filter'], 'input filter')]
    const inputShape = attrs['inputShape'] as Shape5
    const info = convInfo(inputShape, filter.shape, attrs)
    const [channels, filters] = [info.inChannels, info.outChannels]
    const pixels = info.batchSize * info.outDepth * info.outHeight * info.outWidth
    const out = backend.makeOutput([...inputShape], 'float32')
    const weights = scratch(backend, channels, filters)
    heapF32(backend, out).fill(0)
    eachTap(filter.shape, (tap, index) => {
      const size = channels * filters
      heapF32(backend, weights).set(heapF32(backend, filter).subarray(index * size, (index + 1) * size))
      const part = runStock(product, backend, { a: matrix(dy, pixels, filters), b: weights }, { transposeA: false, transposeB: true })
      const [from, to] = [heapF32(backend, part), heapF32(backend, out)]
      eachPixel(info, tap, (input, output) => {
        for (let c = 0; c < channels; c++)
          to[input * channels + c] = (to[input * channels + c] as number) + (from[output * channels + c] as number)
      })
      release(backend, part)
    })
    release(backend, weights)
    return out
  }

/** For each output of a pooling, where in the input the first of its window's largest values is. */
function largestOf(input: TensorInfo, attrs: Record<string, unknown>, backend: BackendWasm): { best: Int32Array; outShape: number[] } {
  const info = backend_util.computePool3DInfo(
    input.shape as Shape5,
    attrs['filterSize'] as number | [number, number, number],
    attrs['strides'] as number | [number, number, number],
    1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
  )
  const channels = info.inChannels
  const xs = heapF32(backend, input)
  const best = new Int32Array(info.outShape.reduce((a, b) => a * b, 1)).fill(-1)
  eachTap([info.effectiveFilterDepth, info.effectiveFilterHeight, info.effectiveFilterWidth], (tap) =>
    eachPixel(info, tap, (pixel, output) => {
      for (let c = 0; c < channels; c++) {
        const [at, held] = [pixel * channels + c, best[output * channels + c] as number]
        if (held < 0 || (xs[at] as number) > (xs[held] as number)) best[output * channels + c] = at
      }
    }),
  )
  return { best, outShape: info.outShape }
}

/** The stock kernel answers zero for a window without a positive value. */
const maxPool: WasmKernel = (inputs, attrs, backend) => {
  const x = must(inputs['x'], 'input x')
  const { best, outShape } = largestOf(x, attrs, backend)
  const out = backend.makeOutput(outShape, 'float32')
  const [xs, to] = [heapF32(backend, x), heapF32(backend, out)]
  for (const [i, at] of best.entries()) to[i] = xs[at] as number
  return out
}

/** Sends each window's gradient to the first of its largest inputs, as the CPU backend does. */
const maxPoolGradient: WasmKernel = (inputs, attrs, backend) => {
  const [dy, input] = [must(inputs['dy'], 'input dy'), must(inputs['input'], 'input of the pooling')]
  const { best } = largestOf(input, attrs, backend)
  const out = backend.makeOutput([...input.shape], 'float32')
  const [ys, to] = [heapF32(backend, dy), heapF32(backend, out)]
  to.fill(0)
  for (const [i, at] of best.entries()) to[at] = (to[at] as number) + (ys[i] as number)
  return out
}

/** The stock kernels of three-dimensional convolution and pooling answer what is far off (tfjs 4.22). Needs the repaired BatchMatMul. */
export function registerVolumeKernels(): void {
  const product = getKernel('BatchMatMul', 'wasm')
  for (const [name, kernel] of [
    ['Conv3DBackpropFilterV2', filterGradient(product)],
    ['Conv3DBackpropInputV2', inputGradient(product)],
    ['MaxPool3D', maxPool],
    ['MaxPool3DGrad', maxPoolGradient],
  ] as const)
    putKernel(name, getKernel(name, 'wasm'), kernel)
}
