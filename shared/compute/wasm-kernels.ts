import { must } from '../core/assert.ts'
import { backend_util, getKernel, type KernelConfig } from './tf.ts'
import { registerConvGradients } from './wasm-conv-gradients.ts'
import { registerDepthwiseGradients } from './wasm-depthwise-gradients.ts'
import { registerVolumeKernels } from './wasm-volume-kernels.ts'
import { registerEinsum } from './wasm-einsum.ts'
import { heapF32, heapI32, putKernel, release, runStock, type WasmKernel } from './wasm-heap.ts'

/** The stock kernel multiplies transposed operands one scalar at a time, 10 to 80 times slower than a transpose and a plain product. */
function plainMatMul(stock: KernelConfig, transpose: KernelConfig): WasmKernel {
  return (inputs, attrs, backend) => {
    const turn = (name: 'a' | 'b', flag: unknown) => {
      const x = must(inputs[name], `input ${name}`)
      const rank = x.shape.length
      const perm = [...x.shape.keys()].slice(0, rank - 2).concat(rank - 1, rank - 2)
      return { x, turned: flag === true ? runStock(transpose, backend, { x }, { perm }) : undefined }
    }
    const a = turn('a', attrs['transposeA'])
    const b = turn('b', attrs['transposeB'])
    const out = runStock(stock, backend, { a: a.turned ?? a.x, b: b.turned ?? b.x }, { transposeA: false, transposeB: false })
    for (const { turned } of [a, b]) if (turned !== undefined) release(backend, turned)
    return out
  }
}

/** Sends each window's gradient to the first of its largest inputs, as the CPU backend does. */
const maxPoolGradient: WasmKernel = (inputs, attrs, backend) => {
  const dy = must(inputs['dy'], 'input dy')
  const input = must(inputs['input'], 'input of the pooling')
  const info = backend_util.computePool2DInfo(
    input.shape as [number, number, number, number],
    attrs['filterSize'] as number | [number, number],
    attrs['strides'] as number | [number, number],
    1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
  )
  const {
    batchSize,
    outHeight,
    outWidth,
    inHeight,
    inWidth,
    inChannels: channels,
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
  } = info
  const out = backend.makeOutput([...input.shape], 'float32')
  const [xs, ys, target] = [heapF32(backend, input), heapF32(backend, dy), heapF32(backend, out)]
  target.fill(0)
  let from = 0
  for (let n = 0; n < batchSize; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * strideHeight - info.padInfo.top
      const y0 = Math.max(0, top)
      const y1 = Math.min(inHeight, top + filterHeight)
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideWidth - info.padInfo.left
        const x0 = Math.max(0, left)
        const x1 = Math.min(inWidth, left + filterWidth)
        for (let c = 0; c < channels; c++, from++) {
          let best = ((n * inHeight + y0) * inWidth + x0) * channels + c
          let most = xs[best] as number
          for (let y = y0; y < y1; y++) {
            let at = ((n * inHeight + y) * inWidth + x0) * channels + c
            for (let x = x0; x < x1; x++, at += channels) {
              const value = xs[at] as number
              if (value > most) {
                most = value
                best = at
              }
            }
          }
          target[best] = (target[best] as number) + (ys[from] as number)
        }
      }
    }
  }
  return out
}

/** out[s] = sum of the rows of x whose segment id is s; ids outside [0, numSegments) are dropped. */
const segmentSum: WasmKernel = (inputs, attrs, backend) => {
  const x = must(inputs['x'], 'input x')
  const ids = must(inputs['segmentIds'], 'segment ids')
  const segments = attrs['numSegments'] as number
  const rest = x.shape.slice(ids.shape.length)
  const width = rest.reduce((a, b) => a * b, 1)
  const out = backend.makeOutput([segments, ...rest], 'float32')
  const [xs, segmentOf, target] = [heapF32(backend, x), heapI32(backend, ids), heapF32(backend, out)]
  target.fill(0)
  for (let row = 0; row < segmentOf.length; row++) {
    const segment = segmentOf[row] as number
    if (segment < 0 || segment >= segments) continue
    for (let i = 0; i < width; i++) target[segment * width + i] = (target[segment * width + i] as number) + (xs[row * width + i] as number)
  }
  return out
}

let registered = false

/** Adds the training kernels that the WASM backend lacks and replaces those that run scalar code. Once per process; later calls do nothing. */
export function registerWasmKernels(): void {
  if (registered) return
  registered = true
  const matMul = getKernel('BatchMatMul', 'wasm')
  registerConvGradients()
  registerDepthwiseGradients()
  putKernel('BatchMatMul', matMul, plainMatMul(matMul, getKernel('Transpose', 'wasm')))
  registerVolumeKernels()
  putKernel('MaxPoolGrad', getKernel('MaxPoolGrad', 'wasm'), maxPoolGradient)
  putKernel('UnsortedSegmentSum', undefined, segmentSum)
  registerEinsum()
}
