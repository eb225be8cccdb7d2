import { sizeOf } from '../../../tensor/tensor.ts'
import { pairOf } from '../config.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { byImages } from '../share.ts'

/** Runs of `length` floats that go from one place to another; places are counted in floats. */
type Moves = {
  readonly shape: readonly number[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly length: number
}

/** Emits a layer that only moves values: what is not written stays 0, what is read several times has its gradients added. */
function moved(context: LoweringContext, input: Activation, { shape, from, to, length }: Moves): Activation {
  const { kernels, run } = context
  const output = context.output(shape)
  const bytes = (places: readonly number[]): number => context.table(places.map((place) => place * 4))
  const [fromTable, toTable, count] = [bytes(from), bytes(to), from.length]
  const [x, y] = [input.value, output.value]
  context.forward(
    byImages(run, (first, images) => {
      const [a, b] = [x.address + first * x.image, y.address + first * y.image]
      kernels.moveRuns(a, x.image, fromTable, b, y.image, toTable, count, length, images, 0)
    }),
  )
  const [target, gradient] = [context.gradientOf(input), output.gradient]
  if (target && gradient) {
    const whole = sizeOf(input.shape) * 4
    context.backward(
      byImages(run, (first, images) => {
        const [a, b] = [gradient.address + first * gradient.image, target.address + first * target.image]
        kernels.fillPixels(b, target.image, 0, images, 1, whole)
        kernels.moveRuns(a, gradient.image, toTable, b, target.image, fromTable, count, length, images, 1)
      }),
    )
  }
  return output
}

const moving = (moves: (context: LoweringContext, layer: LayerToLower, shape: readonly number[]) => Moves): Lowering => ({
  lower: (context, layer, [input]) =>
    input === undefined ? context.refuse('it has no input') : moved(context, input, moves(context, layer, input.shape)),
})

const permute = moving((context, { config }, shape) => {
  const dims = config['dims'] as number[]
  const result = dims.map((dim) => shape[dim - 1] ?? context.refuse(`dims is ${dims.join()}`))
  // the innermost axes that stay where they are move together
  let fixed = shape.length
  while (fixed > 0 && dims[fixed - 1] === fixed) fixed--
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
  const length = sizeOf(shape.slice(fixed))
  const outer = result.slice(0, fixed)
  const from = Array.from({ length: sizeOf(outer) }, (_, place) => {
    let [left, at] = [place, 0]
    for (let axis = fixed - 1; axis >= 0; axis--) {
      const size = outer[axis] ?? 1
      at += (left % size) * (strides[(dims[axis] ?? 1) - 1] ?? 0)
      left = Math.floor(left / size)
    }
    return at
  })
  return { shape: result, from, to: from.map((_, i) => i * length), length }
})

const repeatVector = moving((_, { config }, [length = 1]) => {
  const n = Number(config['n'])
  return { shape: [n, length], from: Array.from({ length: n }, () => 0), to: Array.from({ length: n }, (_, i) => i * length), length }
})

function imageOf(context: LoweringContext, { config }: LayerToLower, shape: readonly number[]): readonly [number, number, number] {
  const [height, width, channels] = shape
  if (config['dataFormat'] === 'channelsFirst') return context.refuse('dataFormat is channelsFirst')
  if (height === undefined || width === undefined || channels === undefined) return context.refuse('its input is no image')
  return [height, width, channels]
}

const edges = (value: unknown): [number, number] =>
  Array.isArray(value) ? [Number(value[0]), Number(value[1])] : [Number(value), Number(value)]

/** Margins ((top, bottom), (left, right)) of padding or cropping. */
function marginsOf(value: unknown): [[number, number], [number, number]] {
  if (!Array.isArray(value)) return [edges(value), edges(value)]
  return [edges(value[0]), edges(value[1])]
}

const zeroPadding = moving((context, layer, shape) => {
  const [height, width, channels] = imageOf(context, layer, shape)
  const [[top, bottom], [left, right]] = marginsOf(layer.config['padding'])
  const wide = (left + width + right) * channels
  const lines = Array.from({ length: height }, (_, y) => y)
  return {
    shape: [top + height + bottom, left + width + right, channels],
    from: lines.map((y) => y * width * channels),
    to: lines.map((y) => (top + y) * wide + left * channels),
    length: width * channels,
  }
})

const cropping = moving((context, layer, shape) => {
  const [height, width, channels] = imageOf(context, layer, shape)
  const [[top, bottom], [left, right]] = marginsOf(layer.config['cropping'])
  const [outHeight, outWidth] = [height - top - bottom, width - left - right]
  const lines = Array.from({ length: outHeight }, (_, y) => y)
  return {
    shape: [outHeight, outWidth, channels],
    from: lines.map((y) => ((top + y) * width + left) * channels),
    to: lines.map((y) => y * outWidth * channels),
    length: outWidth * channels,
  }
})

const upSampling = moving((context, layer, shape) => {
  const [height, width, channels] = imageOf(context, layer, shape)
  if (layer.config['interpolation'] === 'bilinear') context.refuse('interpolation is bilinear')
  const [tall, wide] = pairOf(layer.config['size'])
  const places = Array.from({ length: height * tall * width * wide }, (_, i) => i)
  return {
    shape: [height * tall, width * wide, channels],
    from: places.map((i) => (Math.floor(i / (width * wide) / tall) * width + Math.floor((i % (width * wide)) / wide)) * channels),
    to: places.map((i) => i * channels),
    length: channels,
  }
})

/** The same factor and offset for every value. */
const rescaling: Lowering = {
  lower(context, { config }, [input]) {
    if (input === undefined) return context.refuse('it has no input')
    const { kernels, run } = context
    const [factor, offset, size] = [Number(config['scale']), Number(config['offset'] ?? 0), sizeOf(input.shape)]
    const output = context.output(input.shape)
    const scaled = (from: number, to: number, summand: number) =>
      byImages(run, (first, images) => {
        const at = first * size * 4
        kernels.scale(from + at, to + at, images * size, factor, summand)
      })
    context.forward(scaled(input.value.address, output.value.address, offset))
    const [target, gradient] = [context.gradientOf(input), output.gradient]
    if (target && gradient) context.backward(scaled(gradient.address, target.address, 0))
    return output
  },
}

export const moveLowerings: Lowerings = {
  Permute: permute,
  RepeatVector: repeatVector,
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upSampling,
  Rescaling: rescaling,
}
