import { must } from '../core/assert.ts'
import { type KernelFunc, registerKernel, type TensorInfo, unregisterKernel } from './tf.ts'

/** What these kernels use of the CPU backend. */
type CpuBackend = {
  readonly data: { get(dataId: object): { readonly values: Float32Array } }
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo
}

/** Where an output position reads: two neighbours and the share of the second. */
type Tap = readonly [first: number, second: number, share: number]

function taps(out: number, size: number, alignCorners: boolean, halfPixels: boolean, nearest: boolean): Tap[] {
  const scale = alignCorners && out > 1 ? (size - 1) / (out - 1) : size / out
  return Array.from({ length: out }, (_, i): Tap => {
    const at = halfPixels ? (i + 0.5) * scale - (nearest ? 0 : 0.5) : i * scale
    if (nearest) {
      const source = Math.max(0, Math.min(size - 1, alignCorners ? Math.round(at) : Math.floor(at)))
      return [source, source, 0]
    }
    const first = Math.max(0, Math.floor(at))
    return [first, Math.min(size - 1, Math.ceil(at)), Math.max(0, at) - first]
  })
}

/** The transpose of a resize: every output's gradient goes back to where it was read from. */
const resizeGradient =
  (nearest: boolean): KernelFunc =>
  ({ inputs, attrs, backend }) => {
    const cpu = backend as CpuBackend
    const [images, dy] = [must(inputs['images'], 'images'), must(inputs['dy'], 'dy')]
    const [batch, height, width, channels] = images.shape as [number, number, number, number]
    const [, outHeight, outWidth] = dy.shape as [number, number, number, number]
    const [align, half] = [attrs?.['alignCorners'] === true, attrs?.['halfPixelCenters'] === true]
    const rows = taps(outHeight, height, align, half, nearest)
    const cols = taps(outWidth, width, align, half, nearest)
    const given = cpu.data.get(dy.dataId).values
    const out = new Float32Array(batch * height * width * channels)
    let from = 0
    for (let n = 0; n < batch; n++) {
      for (const [top, bottom, down] of rows) {
        for (const [left, right, along] of cols) {
          const corners: [number, number, number][] = [
            [top, left, (1 - down) * (1 - along)],
            [top, right, (1 - down) * along],
            [bottom, left, down * (1 - along)],
            [bottom, right, down * along],
          ]
          for (const [y, x, share] of corners) {
            const to = ((n * height + y) * width + x) * channels
            for (let c = 0; c < channels; c++) out[to + c] = (out[to + c] as number) + share * (given[from + c] as number)
          }
          from += channels
        }
      }
    }
    return cpu.makeTensorInfo([...images.shape], 'float32', out)
  }

/**
 * The CPU backend's own kernels are wrong: bilinear answers with height and width exchanged, nearest reads the first image's gradient for all
 * (tfjs 4.22). The other backends are measured against this one.
 */
export function repairCpuResizeGradients(): void {
  for (const [kernelName, nearest] of [
    ['ResizeBilinearGrad', false],
    ['ResizeNearestNeighborGrad', true],
  ] as const) {
    unregisterKernel(kernelName, 'cpu')
    registerKernel({ kernelName, backendName: 'cpu', kernelFunc: resizeGradient(nearest) })
  }
}
