import { sizeOf } from '../../../tensor/tensor.ts'
import { activationOf, refusePenalties } from '../config.ts'
import { type ActivationKind, elementwise, isActivationKind, softmax } from './activation-kinds.ts'
import type { Activation, LayerToLower, Lowering, LoweringContext, Lowerings } from '../lowering.ts'
import { byImages } from '../share.ts'

/** Applies an activation to dense values: gives its own output, having emitted both ways. */
export type ActivationLowering = (context: LoweringContext, input: Activation) => Activation

const relu: ActivationLowering = (context, input) => {
  const { kernels, run } = context
  const size = sizeOf(input.shape)
  const output = context.output(input.shape)
  const { value, gradient } = output
  context.forward(
    byImages(run, (first, images) => {
      for (let i = first; i < first + images; i++)
        kernels.relu(input.value.address + i * input.value.image, value.address + i * value.image, size)
    }),
  )
  const target = context.gradientOf(input)
  if (gradient && target) {
    context.backward(
      byImages(run, (first, images) => {
        const at = (region: { address: number; image: number }) => [region.address + first * region.image, region.image, 0] as const
        kernels.reluGradient(...at(value), ...at(gradient), ...at(target), images, 1, size)
      }),
    )
  }
  return output
}

const activations: Readonly<Record<string, ActivationLowering>> = { relu, softmax }

/** The values after the layer's activation, `linear` leaving them as they are. */
export function activated(context: LoweringContext, name: string, input: Activation): Activation {
  if (name === 'linear') return input
  if (isActivationKind(name)) return elementwise(context, name, input)
  const lowering = Object.hasOwn(activations, name) ? activations[name] : undefined
  return lowering === undefined ? context.refuse(`there is no kernel for the activation ${name}`) : lowering(context, input)
}

const single = (context: LoweringContext, layer: LayerToLower, name: string, [input]: readonly Activation[]): Activation => {
  if (input === undefined) return context.refuse('it has no input')
  return name === 'linear' ? context.alias(input, input.shape) : activated(context, name, input)
}

/** An activation with a number of its own, `option` of the layer. */
const withAlpha = (kind: ActivationKind, option: string): Lowering => ({
  lower: (context, layer, [input]) =>
    input === undefined ? context.refuse('it has no input') : elementwise(context, kind, input, Number(layer.config[option])),
})

/** A slope below 0 for each value of a row, or of each channel where all other axes share theirs. */
const prelu: Lowering = {
  lower(context, layer, [input]) {
    const alpha = context.weight('alpha')
    if (input === undefined || alpha === undefined) return context.refuse('it lacks its input or alpha')
    refusePenalties(context, layer)
    const size = sizeOf(input.shape)
    const leading = alpha.shape.slice(0, -1)
    if (alpha.size !== size && leading.some((dimension) => dimension !== 1)) context.refuse('some axes but not all share alpha')
    const { kernels, run } = context
    const rowsOf = (images: number): number => (images * size) / alpha.size
    const output = context.output(input.shape)
    const [x, y] = [input.value.address, output.value.address]
    context.forward(
      byImages(run, (first, images) => {
        const at = first * size * 4
        kernels.prelu(x + at, alpha.address, y + at, rowsOf(images), alpha.size)
      }),
    )
    const target = context.gradientOf(input)?.address ?? 0
    const dy = output.gradient?.address
    if (dy !== undefined) {
      const dalpha = alpha.gradient || context.allocate(alpha.size * 4)
      context.backward(() => kernels.preluGradient(x, alpha.address, dy, target, dalpha, rowsOf(run.images), alpha.size))
    }
    return output
  },
}

export const activationLowerings: Lowerings = {
  Activation: { lower: (context, layer, inputs) => single(context, layer, activationOf(layer), inputs) },
  ReLU: {
    lower: (context, layer, inputs) => {
      const most = layer.config['maxValue']
      const [input] = inputs
      if (typeof most === 'number' && input) return elementwise(context, 'relu6', input, most)
      return single(context, layer, 'relu', inputs)
    },
  },
  ELU: { lower: (context, layer, inputs) => single(context, layer, 'elu', inputs) },
  LeakyReLU: withAlpha('leakyRelu', 'alpha'),
  ThresholdedReLU: withAlpha('thresholdedRelu', 'theta'),
  PReLU: prelu,
  Softmax: {
    lower: (context, layer, inputs) => {
      const axis = Number(layer.config['axis'] ?? -1)
      if (axis !== -1 && axis !== inputs[0]?.shape.length) context.refuse(`axis is ${axis}`)
      return single(context, layer, 'softmax', inputs)
    },
  },
}
