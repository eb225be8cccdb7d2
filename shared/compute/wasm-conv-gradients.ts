import { must } from '../core/assert.ts'
import { backend_util, type BackendWasm, getKernel, type KernelConfig, type TensorInfo } from './tf.ts'
import { heapF32, putKernel, release, runStock, type WasmKernel } from './wasm-heap.ts'

type ConvInfo = ReturnType<typeof backend_util.computeConv2DInfo>
type Shape4 = [number, number, number, number]

function convInfo(inputShape: unknown, filterShape: unknown, attrs: Record<string, unknown>): ConvInfo {
  return backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    attrs['strides'] as number | [number, number],
    1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
    false,
    backend_util.convertConv2DDataFormat(attrs['dataFormat'] as 'NHWC' | 'NCHW'),
  )
}

const convAttributes = (pad: [number, number, number, number], dilations: [number, number]) => ({
  strides: [1, 1],
  dilations,
  pad: [
    [0, 0],
    [pad[0], pad[1]],
    [pad[2], pad[3]],
    [0, 0],
  ],
  dataFormat: 'NHWC',
  dimRoundingMode: undefined,
})

/**
 * The filter's gradient is itself a convolution: the input with batch and channels exchanged, [I,H,W,N], under the output's gradient as a filter
 * [Ho,Wo,N,O] whose dilation is the forward stride. So it runs on the backend's fast forward kernel, which never builds the patches matrix.
 */
function filterGradient(conv: KernelConfig, transpose: KernelConfig): WasmKernel {
  return (inputs, attrs, backend) => {
    const x = must(inputs['x'], 'input x')
    const dy = must(inputs['dy'], 'input dy')
    const filterShape = attrs['filterShape'] as Shape4
    const info = convInfo(x.shape, filterShape, attrs)
    const [kh, kw, inChannels, outChannels] = filterShape
    const span = (out: number, stride: number) => (out - 1) * stride + 1
    // what the stride left unread at the far edge makes the result larger than the filter: cropped below
    const bottom = Math.max(0, kh - 1 + span(info.outHeight, info.strideHeight) - info.inHeight - info.padInfo.top)
    const right = Math.max(0, kw - 1 + span(info.outWidth, info.strideWidth) - info.inWidth - info.padInfo.left)
    const xT = runStock(transpose, backend, { x }, { perm: [3, 1, 2, 0] })
    const dyT = runStock(transpose, backend, { x: dy }, { perm: [1, 2, 0, 3] })
    const pad = [info.padInfo.top, bottom, info.padInfo.left, right] as Shape4
    const full = runStock(conv, backend, { x: xT, filter: dyT }, convAttributes(pad, [info.strideHeight, info.strideWidth]))
    const out = backend.makeOutput([...filterShape], 'float32')
    const source = heapF32(backend, full)
    const target = heapF32(backend, out)
    const [, fullHeight = 0, fullWidth = 0] = full.shape
    let at = 0
    for (let y = 0; y < kh; y++) {
      for (let z = 0; z < kw; z++) {
        for (let i = 0; i < inChannels; i++) {
          const from = ((i * fullHeight + y) * fullWidth + z) * outChannels
          for (let o = 0; o < outChannels; o++) target[at++] = source[from + o] as number
        }
      }
    }
    release(backend, xT, dyT, full)
    return out
  }
}

/** The taps of one axis that reach the input positions of one stride phase. */
type Phase = { first: number; count: number; taps: number; padBefore: number; padAfter: number }

function phase(residue: number, kernel: number, stride: number, padBefore: number, inSize: number, outSize: number): Phase {
  const first = (((residue - padBefore) % stride) + stride) % stride
  const start = (first + padBefore - residue) / stride
  const count = Math.max(0, Math.ceil((inSize - first) / stride))
  const taps = residue < kernel ? Math.ceil((kernel - residue) / stride) : 0
  const before = taps - 1 - start
  return { first, count, taps, padBefore: before, padAfter: count - outSize + taps - 1 - before }
}

/** w[r::sh, q::sw], turned by half a turn, its channels exchanged: [taps, taps, O, I]. */
function turnedFilter(
  backend: BackendWasm,
  filter: TensorInfo,
  rows: Phase,
  cols: Phase,
  r: number,
  q: number,
  sh: number,
  sw: number,
): TensorInfo {
  const [, kw, inChannels, outChannels] = filter.shape as Shape4
  const out = backend.makeOutput([rows.taps, cols.taps, outChannels, inChannels], 'float32')
  const source = heapF32(backend, filter)
  const target = heapF32(backend, out)
  for (let t = 0; t < rows.taps; t++) {
    for (let u = 0; u < cols.taps; u++) {
      const from = ((r + sh * (rows.taps - 1 - t)) * kw + q + sw * (cols.taps - 1 - u)) * inChannels * outChannels
      const to = (t * cols.taps + u) * inChannels * outChannels
      for (let i = 0; i < inChannels; i++) {
        for (let o = 0; o < outChannels; o++) target[to + o * inChannels + i] = source[from + i * outChannels + o] as number
      }
    }
  }
  return out
}

/**
 * The input's gradient: for each phase of the stride one ordinary convolution of dy with the phase's filter taps, turned; the phases interleaved.
 * With stride 1 that is one convolution. Paddings that would have to be negative are left to the stock kernel.
 */
function inputGradient(conv: KernelConfig, stock: KernelConfig): WasmKernel {
  return (inputs, attrs, backend) => {
    const dy = must(inputs['dy'], 'input dy')
    const filter = must(inputs['filter'], 'input filter')
    const inputShape = attrs['inputShape'] as Shape4
    const info = convInfo(inputShape, filter.shape, attrs)
    const { strideHeight: sh, strideWidth: sw, inHeight, inWidth, inChannels, batchSize } = info
    const rows = Array.from({ length: sh }, (_, r) => phase(r, info.filterHeight, sh, info.padInfo.top, inHeight, info.outHeight))
    const cols = Array.from({ length: sw }, (_, q) => phase(q, info.filterWidth, sw, info.padInfo.left, inWidth, info.outWidth))
    const fits = [...rows, ...cols].every((p) => p.taps === 0 || (p.padBefore >= 0 && p.padAfter >= 0))
    if (!fits || info.dataFormat !== 'channelsLast') return runStock(stock, backend, { dy, filter }, attrs)
    const convolve = (r: number, q: number, row: Phase, col: Phase): TensorInfo => {
      const turned = turnedFilter(backend, filter, row, col, r, q, sh, sw)
      const pad = [row.padBefore, row.padAfter, col.padBefore, col.padAfter] as Shape4
      const part = runStock(conv, backend, { x: dy, filter: turned }, convAttributes(pad, [1, 1]))
      release(backend, turned)
      return part
    }
    if (sh === 1 && sw === 1) return convolve(0, 0, must(rows[0], 'phase'), must(cols[0], 'phase'))
    const out = backend.makeOutput([...inputShape], 'float32')
    heapF32(backend, out).fill(0)
    for (const [r, row] of rows.entries()) {
      for (const [q, col] of cols.entries()) {
        if (row.taps === 0 || col.taps === 0 || row.count === 0 || col.count === 0) continue
        const part = convolve(r, q, row, col)
        const source = heapF32(backend, part)
        const target = heapF32(backend, out)
        let at = 0
        for (let n = 0; n < batchSize; n++) {
          for (let y = 0; y < row.count; y++) {
            let to = ((n * inHeight + row.first + y * sh) * inWidth + col.first) * inChannels
            for (let x = 0; x < col.count; x++, to += sw * inChannels) {
              for (let c = 0; c < inChannels; c++) target[to + c] = source[at++] as number
            }
          }
        }
        release(backend, part)
      }
    }
    return out
  }
}

/** The stock kernels answer zeros to SAME padding where the stride exceeds the filter: they get the padding spelt out. */
function spellOutPadding(kernelName: string, depthwise: boolean): void {
  const stock = getKernel(kernelName, 'wasm')
  putKernel(kernelName, stock, (inputs, attrs, backend) => {
    if (attrs['pad'] !== 'same' || attrs['dataFormat'] === 'NCHW') return runStock(stock, backend, inputs, attrs)
    const dilations = (attrs['dilations'] ?? 1) as number | [number, number]
    const [x, filter] = [must(inputs['x'], 'an input'), must(inputs['filter'], 'a filter')]
    const strides = attrs['strides'] as number | [number, number]
    const { top, bottom, left, right } = backend_util.computeConv2DInfo(
      x.shape as Shape4,
      filter.shape as Shape4,
      strides,
      dilations,
      'same',
      undefined,
      depthwise,
    ).padInfo
    return runStock(stock, backend, inputs, {
      ...attrs,
      pad: [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
    })
  })
}

export function registerConvGradients(): void {
  for (const name of ['Conv2D', 'FusedConv2D']) spellOutPadding(name, false)
  for (const name of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) spellOutPadding(name, true)
  const conv = getKernel('Conv2D', 'wasm')
  const stockInput = getKernel('Conv2DBackpropInput', 'wasm')
  putKernel('Conv2DBackpropFilter', undefined, filterGradient(conv, getKernel('Transpose', 'wasm')))
  putKernel('Conv2DBackpropInput', stockInput, inputGradient(conv, stockInput))
}
