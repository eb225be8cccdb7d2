import { sizeOf } from '../../../tensor/tensor.ts'
import { activationOf, refuseOptions } from '../config.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings } from '../lowering.ts'

/** Applies an activation to dense values: gives its own output, having emitted both ways. */
export type ActivationLowering = (context: LoweringContext, input: Activation) => Activation

const relu: ActivationLowering = (context, input) => {
  const { kernels, run } = context
  const size = sizeOf(input.shape)
  const output = context.output(input.shape)
  const { value, gradient } = output
  context.forward(() => {
    for (let i = 0; i < run.images; i++) kernels.relu(input.value.address + i * input.value.image, value.address + i * value.image, size)
  })
  const target = context.gradientOf(input)
  if (gradient && target) {
    const at = (region: { address: number; image: number }) => [region.address, region.image, 0] as const
    context.backward(() => kernels.reluGradient(...at(value), ...at(gradient), ...at(target), run.images, 1, size))
  }
  return output
}

const softmax: ActivationLowering = (context, input) => {
  if (context.trains) context.refuse('softmax is trained only as the last activation, under a cross-entropy')
  const { kernels, run } = context
  const width = input.shape.at(-1) ?? 1
  const rows = sizeOf(input.shape) / width
  const output = context.output(input.shape)
  context.forward(() => kernels.softmax(input.value.address, output.value.address, run.images * rows, width))
  return output
}

const activations: Readonly<Record<string, ActivationLowering>> = { relu, softmax }

/** The values after the layer's activation, `linear` leaving them as they are. */
export function activated(context: LoweringContext, name: string, input: Activation): Activation {
  if (name === 'linear') return input
  const lowering = Object.hasOwn(activations, name) ? activations[name] : undefined
  return lowering === undefined ? context.refuse(`there is no kernel for the activation ${name}`) : lowering(context, input)
}

const single = (context: LoweringContext, layer: LayerToLower, name: string, [input]: readonly Activation[]): Activation => {
  if (input === undefined) return context.refuse('it has no input')
  return name === 'linear' ? context.alias(input, input.shape) : activated(context, name, input)
}

export const activationLowerings: Lowerings = {
  Activation: { lower: (context, layer, inputs) => single(context, layer, activationOf(layer), inputs) },
  ReLU: {
    lower: (context, layer, inputs) => {
      refuseOptions(context, layer, 'maxValue')
      return single(context, layer, 'relu', inputs)
    },
  },
  Softmax: { lower: (context, layer, inputs) => single(context, layer, 'softmax', inputs) },
}
