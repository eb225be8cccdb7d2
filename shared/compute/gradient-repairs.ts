import {
  abs,
  add,
  backend_util,
  conv3d,
  engine,
  expandDims,
  floor,
  getGradient,
  type GradConfig,
  matMul,
  mul,
  range,
  registerGradient,
  relu,
  reshape,
  slice,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  type Tensor5D,
  tensor,
  transpose,
  unregisterGradient,
  unsortedSegmentSum,
  zeros,
} from './tf.ts'
import { must } from '../core/assert.ts'

/** Comparisons are flat where they have a derivative. */
const flat = (kernelName: string, inputs: readonly string[]): GradConfig => ({
  kernelName,
  inputsToSave: [...inputs],
  gradFunc: (_, saved) => Object.fromEntries(inputs.map((name, i) => [name, () => zeros(must(saved[i], name).shape)])),
})

const conv3dTranspose: GradConfig = {
  kernelName: 'Conv3DBackpropInputV2',
  inputsToSave: ['dy', 'filter'],
  gradFunc: (ddx, saved, attrs) => {
    const [dy, filter] = [must(saved[0], 'dy'), must(saved[1], 'filter')]
    const { strides, pad } = attrs as { strides: number | [number, number, number]; pad: 'same' | 'valid' }
    const given = must(Array.isArray(ddx) ? ddx[0] : ddx, 'a gradient')
    return {
      dy: () => conv3d(given as Tensor5D, filter as Tensor5D, strides, pad),
      filter: () => engine().runKernel('Conv3DBackpropFilterV2', { x: given, dy }, { strides, pad, filterShape: filter.shape }) as Tensor,
    }
  },
}

/**
 * How much each input row (or column) gives to each output row of each box, [boxes, out, size], as the CropAndResize kernel samples them:
 * positions outside the image give nothing.
 */
function sampling(boxes: Tensor, from: number, out: number, size: number, nearest: boolean): Tensor {
  const corner = (at: number): Tensor => mul(slice(boxes, [0, at], [-1, 1]), size - 1)
  const [low, high] = [corner(from), corner(from + 2)]
  const at = out > 1 ? add(low, mul(sub(high, low), mul(reshape(range(0, out), [1, out]), 1 / (out - 1)))) : mul(add(low, high), 0.5)
  const inside = mul(sub(1, stepAbove(mul(at, -1))), sub(1, stepAbove(sub(at, size - 1))))
  const source = nearest ? floor(add(at, 0.5)) : at
  const distance = abs(sub(expandDims(source, 2), reshape(range(0, size), [1, 1, size])))
  return mul(relu(sub(1, distance)), expandDims(inside, 2))
}

/** 1 where x > 0, else 0. */
const stepAbove = (x: Tensor): Tensor => engine().runKernel('Step', { x }, { alpha: 0 }) as Tensor

const cropAndResize: GradConfig = {
  kernelName: 'CropAndResize',
  inputsToSave: ['image', 'boxes', 'boxInd'],
  gradFunc: (given, saved, attrs) => {
    const [image, boxes, boxInd] = [must(saved[0], 'image'), must(saved[1], 'boxes'), must(saved[2], 'boxInd')]
    const dy = must(Array.isArray(given) ? given[0] : given, 'a gradient') as Tensor4D
    const nearest = attrs['method'] === 'nearest'
    const [count, outHeight, outWidth, channels] = dy.shape
    const [batch, height, width] = image.shape as [number, number, number, number]
    return {
      image: () => {
        const rows = transpose(sampling(boxes, 0, outHeight, height, nearest), [0, 2, 1])
        const cols = transpose(sampling(boxes, 1, outWidth, width, nearest), [0, 2, 1])
        const tall = reshape(matMul(rows, reshape(dy, [count, outHeight, outWidth * channels])), [count, height, outWidth, channels])
        const turned = reshape(transpose(tall, [0, 2, 1, 3]), [count, outWidth, height * channels])
        const full = transpose(reshape(matMul(cols, turned), [count, width, height, channels]), [0, 2, 1, 3])
        return unsortedSegmentSum(full, boxInd as Tensor1D, batch)
      },
      // tfjs resolves what it is given for every input; boxes are no weights
      boxes: () => zeros(boxes.shape),
      boxInd: () => zeros(boxInd.shape),
    }
  },
}

/**
 * tfjs divides by the whole window where the forward pass divides by the part of it that is inside the image. `dy` is scaled up by as much before
 * the stock gradient takes it.
 */
function averagePool(stock: GradConfig): GradConfig {
  const gradFunc: GradConfig['gradFunc'] = (given, saved, attrs) => {
    const x = must(saved[0], 'x') as Tensor4D
    const { filterSize, strides, pad } = attrs as {
      filterSize: number | [number, number]
      strides: number | [number, number]
      pad: 'same' | 'valid' | number
    }
    const info = backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad)
    const inside = (size: number, out: number, window: number, stride: number, before: number): number[] =>
      Array.from({ length: out }, (_, i) => Math.min(size, i * stride - before + window) - Math.max(0, i * stride - before))
    const rows = inside(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top)
    const cols = inside(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left)
    const area = info.filterHeight * info.filterWidth
    const dy = must(Array.isArray(given) ? given[0] : given, 'a gradient')
    if (rows.every((r) => r === info.filterHeight) && cols.every((c) => c === info.filterWidth)) return stock.gradFunc(dy, saved, attrs)
    const factors = tensor(
      rows.flatMap((r) => cols.map((c) => area / (r * c))),
      [info.outHeight, info.outWidth, 1],
    )
    return stock.gradFunc(mul(dy, factors), saved, attrs)
  }
  return { ...stock, gradFunc }
}

let repaired = false

/** Registers the gradients that tfjs 4.22 lacks or has wrong on every backend, though its layers need them for training. Once per process. */
export function repairGradients(): void {
  if (repaired) return
  repaired = true
  const comparisons = ['Equal', 'NotEqual', 'Greater', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr'].map((name) => flat(name, ['a', 'b']))
  const lacking = [...comparisons, ...['Any', 'All', 'LogicalNot'].map((name) => flat(name, ['x'])), conv3dTranspose, cropAndResize]
  const average = must(getGradient('AvgPool'), 'the gradient of AvgPool')
  unregisterGradient('AvgPool')
  registerGradient(averagePool(average))
  for (const gradient of lacking) if (getGradient(gradient.kernelName) === undefined) registerGradient(gradient)
}
