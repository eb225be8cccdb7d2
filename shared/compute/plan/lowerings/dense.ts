import { sizeOf } from '../../../tensor/tensor.ts'
import { activationOf, refusePenalties } from '../config.ts'
import { filterGradientStep, filterGradientSum } from '../filter-gradient.ts'
import type { Activation, LayerToLower, LoweringContext, Lowerings } from '../lowering.ts'
import { byImages, byStretch, type Step } from '../share.ts'
import { isLarge, sharedProduct } from '../shared-product.ts'
import { activated } from './activation.ts'

/** Weights that stay in the second-level cache. */
const NEAR_FLOATS = 65536

/** answer = input * kernel + bias on the last axis, a ReLU in the store. */
function lowerDense(context: LoweringContext, layer: LayerToLower, [input]: readonly Activation[]): Activation {
  const kernel = context.weight('kernel')
  if (input === undefined || kernel === undefined) return context.refuse('it lacks its input or kernel')
  refusePenalties(context, layer)
  const { kernels, run } = context
  const bias = context.weight('bias')
  const [inputs = 0, units = 0] = kernel.shape
  const perExample = sizeOf(input.shape) / inputs
  const activation = activationOf(layer)
  const output = context.output([...input.shape.slice(0, -1), units], { relu: activation === 'relu' })
  const [x, y, w, b] = [input.value.address, output.value.address, kernel.address, bias?.address ?? 0]
  const [inRow, outRow] = [inputs * 4, units * 4]
  const flags = (activation === 'relu' ? 1 : 0) + (bias ? 0 : 4)
  context.needScratch(64 + 64 * Math.max(inputs, units))
  context.needScratch(32 * perExample * context.batchSize * Math.ceil(units / 8))
  context.forward(
    sharedProduct(context, [inputs, units], (column, columns, image, images) => {
      const [row, at] = [image * perExample, column * 4]
      const to = y + row * outRow + at
      kernels.multiply(
        x + row * inRow,
        inRow,
        w + at,
        outRow,
        0,
        to,
        outRow,
        images * perExample,
        inputs,
        columns,
        b + at,
        flags,
        run.scratch,
      )
    }),
  )

  const target = context.gradientOf(input)
  const dy = output.gradient?.address
  if (dy !== undefined) {
    const steps: Step[] = []
    const size = sizeOf(output.shape)
    if (activation === 'relu')
      steps.push(
        byImages(run, (first, images) => {
          const [at, image] = [first * size * 4, size * 4]
          if (output.relu === 'open') kernels.reluGradient(y + at, image, 0, dy + at, image, 0, dy + at, image, 0, images, 1, size)
        }),
      )
    const byInputs = (to: number) => (column: number, columns: number, image: number, images: number) => {
      const row = image * perExample
      const [from, place] = [dy + row * outRow, to + row * inRow + column * 4]
      kernels.multiply(from, outRow, w + column * outRow, outRow, 1, place, inRow, images * perExample, units, columns, 0, 4, run.scratch)
    }
    const product = target && byInputs(target.address)
    const gradient =
      kernel.trainable &&
      ({
        x: [x, inRow, 0, 0],
        dy: [dy, outRow, 0, 0],
        images: () => run.images * perExample,
        height: 1,
        width: 1,
        runs: [context.table([0]), 1, inputs],
        channels: units,
        target: context.gradientTarget(kernel),
      } as const)
    if (product && gradient && isLarge(units, inputs)) {
      // weights that come from afar are read once for both
      const sum = filterGradientSum(context, gradient)
      const rows = Math.max(16, Math.floor(NEAR_FLOATS / units / 16) * 16)
      steps.push(
        byStretch('values', inputs, 16, (first, count) => {
          for (let at = first; at < first + count; at += rows) {
            const own = Math.min(rows, first + count - at)
            product(at, own, 0, run.images)
            sum(at, own, 0, units)
          }
        }),
      )
    } else {
      if (product) steps.push(sharedProduct(context, [units, inputs], product))
      if (gradient) steps.push(filterGradientStep(context, gradient))
    }
    if (bias?.trainable) {
      const to = context.gradientTarget(bias)
      steps.push(
        byStretch('weights', units, 16, (unit, own) =>
          kernels.channelSums(dy + unit * 4, outRow, 0, 0, run.images * perExample, 1, 1, own, to.address + unit * 4, to.mode, run.rate),
        ),
      )
    }
    context.backward(...steps)
  }
  return activation === 'relu' ? output : activated(context, activation, output)
}

export const denseLowerings: Lowerings = { Dense: { lower: lowerDense } }
