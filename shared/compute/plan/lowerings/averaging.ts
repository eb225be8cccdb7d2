import { pairOf } from '../config.ts'
import { convolutionShape } from '../convolution-shape.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { imageShape, type Region } from '../region.ts'
import { byImages } from '../share.ts'
import { poolingLowerings } from './pooling.ts'

const at = ({ address, image, row }: Region, first: number) => [address + first * image, image, row] as const

/** Averages over windows, of the values inside the image. */
function averagePool(context: LoweringContext, { config }: LayerToLower, [input]: readonly Activation[]): Activation {
  if (input === undefined) return context.refuse('it has no input')
  if (config['dataFormat'] === 'channelsFirst') context.refuse('dataFormat is channelsFirst')
  const { kernels, run } = context
  const [inHeight, inWidth, channels] = imageShape(input.shape)
  const pool = pairOf(config['poolSize'])
  const strides = pairOf(config['strides'] ?? config['poolSize'])
  const {
    output: [height, width],
    top,
    left,
  } = convolutionShape({
    input: [inHeight, inWidth, channels],
    filters: channels,
    kernel: pool,
    strides,
    dilation: [1, 1],
    same: config['padding'] === 'same',
  })
  const output = context.output([height, width, channels], { strided: true })
  const sizes = [inHeight, inWidth, channels, height, width, ...pool, ...strides, top, left] as const
  context.forward(
    byImages(run, (first, images) => kernels.averagePool(...at(input.value, first), ...at(output.value, first), images, ...sizes, 0)),
  )
  const [target, gradient] = [context.gradientOf(input), output.gradient]
  if (target && gradient)
    context.backward(
      byImages(run, (first, images) => {
        kernels.fillPixels(...at(target, first), images, inHeight, inWidth * channels * 4)
        kernels.averagePool(...at(target, first), ...at(gradient, first), images, ...sizes, 1)
      }),
    )
  return output
}

type Pool = Lowering['lower']

const maxPool: Pool = (context, layer, inputs) =>
  poolingLowerings['MaxPooling2D']?.lower(context, layer, inputs) ?? context.refuse('there is no pooling')

/** A context whose answers are dense, whatever likes a halo behind: it sees another shape. */
const dense = (context: LoweringContext): LoweringContext => ({
  ...context,
  output: (shape, options = {}) => context.output(shape, { relu: options.relu ?? false }),
})

/** A window as large as the image. */
const global =
  (pool: Pool): Pool =>
  (context, layer, [input]) => {
    if (input === undefined) return context.refuse('it has no input')
    const [height, width, channels] = imageShape(input.shape)
    const config = { ...layer.config, poolSize: [height, width], strides: [1, 1], padding: 'valid' }
    return context.alias(pool(dense(context), { ...layer, config }, [input]), [channels])
  }

/** A layer over [steps, channels] as one over an image of a single line. */
export function alongLine(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[], lower: Pool): Activation {
  if (input === undefined) return context.refuse('it has no input')
  const [steps = 1, channels = 1] = input.shape
  const widen = (option: string): readonly number[] => [1, [layer.config[option] ?? 1].flat().map(Number)[0] ?? 1]
  const sizes = Object.fromEntries(['poolSize', 'kernelSize', 'strides', 'dilationRate'].map((option) => [option, [...widen(option)]]))
  const config = { ...layer.config, ...sizes }
  const line = lower(dense(context), { ...layer, config }, [context.alias(input, [1, steps, channels])])
  return context.alias(line, line.shape.length === 3 ? line.shape.slice(1) : line.shape)
}

const overLine = (pool: Pool): Lowering => ({ lower: (context, layer, inputs) => alongLine(context, layer, inputs, pool) })

export const averagingLowerings: Lowerings = {
  AveragePooling2D: { lower: averagePool, strided: true },
  GlobalAveragePooling2D: { lower: global(averagePool), strided: true },
  GlobalMaxPooling2D: { lower: global(maxPool), strided: true },
  AveragePooling1D: overLine(averagePool),
  MaxPooling1D: overLine(maxPool),
  GlobalAveragePooling1D: overLine(global(averagePool)),
  GlobalMaxPooling1D: overLine(global(maxPool)),
}
