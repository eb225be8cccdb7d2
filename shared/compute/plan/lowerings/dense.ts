import { sizeOf } from '../../../tensor/tensor.ts'
import { activationOf, refusePenalties } from '../config.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings, Step } from '../lowering.ts'
import { activated } from './activation.ts'

/** answer = input * kernel + bias on the last axis, a ReLU in the store. */
function lowerDense(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[]): Activation {
  const kernel = context.weight('kernel')
  if (input === undefined || kernel === undefined) return context.refuse('it lacks its input or kernel')
  refusePenalties(context, layer)
  const { kernels, run } = context
  const bias = context.weight('bias')
  const [inputs = 0, units = 0] = kernel.shape
  const rowsOfExample = sizeOf(input.shape) / inputs
  const rows = (): number => run.images * rowsOfExample
  const activation = activationOf(layer)
  const output = context.output([...input.shape.slice(0, -1), units], { relu: activation === 'relu' })
  const [x, y, w, b] = [input.value.address, output.value.address, kernel.address, bias?.address ?? 0]
  const [inRow, outRow] = [inputs * 4, units * 4]
  const flags = (activation === 'relu' ? 1 : 0) + (bias ? 0 : 4)
  context.needScratch(64 + 64 * Math.max(inputs, units))
  context.needScratch(32 * rowsOfExample * context.batchSize * Math.ceil(units / 8))
  context.forward(() => kernels.multiply(x, inRow, w, outRow, 0, y, outRow, rows(), inputs, units, b, flags, run.scratch))

  const target = context.gradientOf(input)
  const dy = output.gradient?.address
  if (dy !== undefined) {
    const steps: Step[] = []
    const size = sizeOf(output.shape)
    steps.push(() => {
      if (output.relu === 'open') kernels.reluGradient(y, size * 4, 0, dy, size * 4, 0, dy, size * 4, 0, run.images, 1, size)
    })
    if (target) {
      const dx = target.address
      steps.push(() => kernels.multiply(dy, outRow, w, outRow, 1, dx, inRow, rows(), units, inputs, 0, 4, run.scratch))
    }
    if (kernel.trainable) {
      const to = context.gradientTarget(kernel)
      const runs = context.table([0])
      steps.push(() =>
        kernels.filterGradient(
          x,
          inRow,
          0,
          0,
          dy,
          outRow,
          0,
          0,
          rows(),
          1,
          1,
          runs,
          1,
          inputs,
          to.address,
          units,
          to.mode,
          run.rate,
          run.scratch,
        ),
      )
    }
    if (bias?.trainable) {
      const to = context.gradientTarget(bias)
      steps.push(() => kernels.channelSums(dy, outRow, 0, 0, rows(), 1, 1, units, to.address, to.mode, run.rate))
    }
    context.backward(...steps)
  }
  return activation === 'relu' ? output : activated(context, activation, output)
}

export const denseLowerings: Lowerings = { Dense: { lower: lowerDense } }
