import { sizeOf } from '../../../tensor/tensor.ts'
import type { Activation, LoweringContext } from '../lowering.ts'
import { byImages } from '../share.ts'

/** The numbers by which the kernels `activate` and `activationGradient` know an activation. */
const KINDS = {
  sigmoid: 0,
  tanh: 1,
  elu: 2,
  selu: 3,
  softplus: 4,
  softsign: 5,
  swish: 6,
  hardSigmoid: 7,
  relu6: 8,
  leakyRelu: 9,
  thresholdedRelu: 10,
  gelu: 11,
  gelu_new: 12,
  mish: 13,
} as const

export type ActivationKind = keyof typeof KINDS

export const isActivationKind = (name: string): name is ActivationKind => Object.hasOwn(KINDS, name)

/** One value at a time, both ways. `alpha` is the bound, slope or threshold of those that have one. */
export function elementwise(context: LoweringContext, kind: ActivationKind, input: Activation, alpha = 6): Activation {
  const { kernels, run } = context
  const size = sizeOf(input.shape)
  const output = context.output(input.shape)
  const [x, y] = [input.value.address, output.value.address]
  context.forward(
    byImages(run, (first, images) => {
      const at = first * size * 4
      kernels.activate(KINDS[kind], x + at, y + at, images * size, alpha)
    }),
  )
  const target = context.gradientOf(input)
  const { gradient } = output
  if (gradient && target)
    context.backward(
      byImages(run, (first, images) => {
        const at = first * size * 4
        kernels.activationGradient(KINDS[kind], x + at, y + at, gradient.address + at, target.address + at, images * size, alpha)
      }),
    )
  return output
}

/** Softmax over the last axis. */
export function softmax(context: LoweringContext, input: Activation): Activation {
  const { kernels, run } = context
  const width = input.shape.at(-1) ?? 1
  const rows = sizeOf(input.shape) / width
  const output = context.output(input.shape)
  const [x, y] = [input.value.address, output.value.address]
  const row = width * 4
  context.forward(
    byImages(run, (first, images) => {
      const at = first * rows * row
      kernels.softmax(x + at, y + at, images * rows, width)
    }),
  )
  const target = context.gradientOf(input)
  const { gradient } = output
  if (gradient && target)
    context.backward(
      byImages(run, (first, images) => {
        const at = first * rows * row
        kernels.softmaxGradient(y + at, gradient.address + at, target.address + at, images * rows, width)
      }),
    )
  return output
}
