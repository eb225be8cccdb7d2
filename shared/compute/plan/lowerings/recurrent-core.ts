import { filterGradientStep } from '../filter-gradient.ts'
import type { Activation, LoweringContext, PlanWeight } from '../lowering.ts'
import type { Region } from '../region.ts'
import { byImages, byStretch, type Step } from '../share.ts'
import { sharedProduct } from '../shared-product.ts'

/** One direction of a recurrent layer over [steps, features]. */
export type Recurrence = {
  readonly kind: 'SimpleRNN' | 'LSTM' | 'GRU'
  readonly units: number
  /** The gates' sigmoid is the piecewise linear one. */
  readonly hard: boolean
  readonly kernel: PlanWeight
  readonly recurrent: PlanWeight
  readonly bias: PlanWeight | undefined
  /** From the last step to the first. */
  readonly backwards: boolean
  /** Every step answers, or only the last. */
  readonly sequences: boolean
  readonly input: Activation
  /** Where the gradient by the input goes; `adds` when another direction wrote there before. */
  readonly target: Region | undefined
  readonly adds: boolean
  /** The answer, of which this direction has `units` values from `column` on in every row of `rowFloats`. */
  readonly output: Activation
  readonly column: number
  readonly rowFloats: number
  /** Answers stand at the step that they are of, also when it goes backwards. */
  readonly inOrder: boolean
}

export type StepSizes = {
  readonly steps: number
  readonly units: number
  readonly gates: number
  /** Bytes between examples of the pre-activations and of the states. */
  readonly zImage: number
  readonly hImage: number
}

/** What the kinds differ in: the gates of one step, both ways, for `images` examples from number `first` on. Addresses are those of example `first`. */
export type Cell = {
  /** Values of every step's gates from their pre-activations at `z`; writes the state at `h`. `t` counts from 0 in the order of the recurrence. */
  forward(z: number, h: number, t: number, images: number): void
  /** Gradients of the gates at `z`, in place, from `dh` and `extra` (0: none); leaves in `dh` the gradient by the state before. */
  backward(z: number, h: number, dh: number, extra: number, extraImage: number, t: number, first: number, images: number): void
  /** Pack the recurrent weights. */
  readonly prepare: readonly Step[]
  /** The gradient of the recurrent weights, once all steps are done. `z` are the gates' gradients. */
  readonly finish: readonly Step[]
}

/** Gates of all steps, states, the gradient by the state; the gates in the order of the recurrence; a table of the one offset 0. */
export type Places = {
  readonly z: number
  readonly zFirst: number
  readonly zStep: number
  readonly h: number
  readonly dh: number
  readonly runs: number
}

export type CellMaker = (context: LoweringContext, recurrence: Recurrence, sizes: StepSizes, place: Places) => Cell

/**
 * Emits one direction. All steps' input products are one matrix product, and so are the gradients of kernel and input; only the recurrent product
 * goes step by step, from panels that are packed once a batch.
 */
export function lowerRecurrence(context: LoweringContext, recurrence: Recurrence, gates: number, makeCell: CellMaker): void {
  const { kernels, run, batchSize } = context
  const { units, kernel, bias, input, output, target, backwards, sequences, column, rowFloats } = recurrence
  const [steps = 1, features = 1] = input.shape
  const width = gates * units
  const sizes: StepSizes = { steps, units, gates, zImage: steps * width * 4, hImage: (steps + 1) * units * 4 }
  const z = context.allocate(batchSize * sizes.zImage)
  // state t is at place t + 1; the first one stays zero
  const h = context.allocate(batchSize * sizes.hImage)
  const dh = context.allocate(batchSize * units * 4)
  const runs = context.table([0])
  const [zFirst, zStep] = backwards ? [z + (steps - 1) * width * 4, -width * 4] : [z, width * 4]
  const cell = makeCell(context, recurrence, sizes, { z, zFirst, zStep, h, dh, runs })
  const zAt = (t: number): number => zFirst + t * zStep
  const x = input.value.address
  const [xRow, zRow] = [features * 4, width * 4]
  context.needScratch(64 + 64 * Math.max(features, width))
  context.needScratch(32 * steps * Math.min(batchSize, Math.max(1, Math.floor(512 / steps))))
  context.needScratch(32 * batchSize * Math.ceil(width / 8))

  const flipped = backwards && recurrence.inOrder
  const { address: y, image: yImage } = output.value
  const unitBytes = units * 4
  context.prepare(...cell.prepare)
  context.forward(
    sharedProduct(context, [features, width], (at, columns, image, images) => {
      const row = image * steps
      const [from, to, w, b] = [x + row * xRow, z + row * zRow + at * 4, kernel.address + at * 4, bias ? bias.address + at * 4 : 0]
      kernels.multiply(from, xRow, w, zRow, 0, to, zRow, images * steps, features, columns, b, bias ? 0 : 4, run.scratch)
    }),
    byImages(
      run,
      (first, images) => {
        const states = h + first * sizes.hImage
        for (let t = 0; t < steps; t++) cell.forward(zAt(t) + first * sizes.zImage, states + (t + 1) * unitBytes, t, images)
        const last = states + steps * unitBytes
        const to = y + column * 4 + first * yImage
        if (!sequences) kernels.copyPixels(last, sizes.hImage, 0, to, yImage, 0, images, 1, unitBytes)
        else if (flipped) kernels.copyPixels(last, sizes.hImage, -unitBytes, to, yImage, rowFloats * 4, images, steps, unitBytes)
        else kernels.copyPixels(states + unitBytes, sizes.hImage, unitBytes, to, yImage, rowFloats * 4, images, steps, unitBytes)
      },
      true,
    ),
  )
  if (!output.gradient) return
  const { address: dy, image: dyImage } = output.gradient
  const backward = [
    byImages(
      run,
      (first, images) => {
        const own = dh + first * unitBytes
        kernels.fillPixels(own, 0, 0, 1, 1, images * unitBytes)
        for (let t = steps - 1; t >= 0; t--) {
          const row = flipped ? steps - 1 - t : t
          const given = dy + first * dyImage + column * 4
          const extra = sequences ? given + row * rowFloats * 4 : t === steps - 1 ? given : 0
          const [gates, state] = [zAt(t) + first * sizes.zImage, h + first * sizes.hImage + (t + 1) * unitBytes]
          cell.backward(gates, state, own, extra, dyImage, t, first, images)
        }
      },
      true,
    ),
    ...cell.finish,
  ]
  if (target)
    backward.push(
      sharedProduct(context, [width, features], (at, columns, image, images) => {
        const row = image * steps
        const [from, to, w] = [z + row * zRow, target.address + row * xRow + at * 4, kernel.address + at * zRow]
        kernels.multiply(from, zRow, w, zRow, 1, to, xRow, images * steps, width, columns, 0, recurrence.adds ? 2 : 4, run.scratch)
      }),
    )
  if (kernel.trainable) {
    const given = { a: x, aImage: steps * xRow, aStep: xRow, aFloats: features, b: z, bImage: sizes.zImage, bStep: zRow, bFloats: width }
    backward.push(sumOverSteps(context, { ...given, steps, to: kernel.gradient, runs }))
  }
  if (bias?.trainable)
    backward.push(
      byStretch('weights', width, 16, (at, own) =>
        kernels.channelSums(z + at * 4, sizes.zImage, 0, zRow, run.images, 1, steps, own, bias.gradient + at * 4, 0, 0),
      ),
    )
  context.backward(...backward)
}

/** Values of two kinds for each example and step; strides are bytes between examples and between steps. */
type Summed = {
  readonly a: number
  readonly aImage: number
  readonly aStep: number
  readonly aFloats: number
  readonly b: number
  readonly bImage: number
  readonly bStep: number
  readonly bFloats: number
  readonly steps: number
  readonly to: number
  /** Bytes between rows at `to`, where they are more than b's values. */
  readonly stride?: number
  /** A table of the one offset 0. */
  readonly runs: number
}

/** The sum over all examples and steps of a's values times b's: [aFloats, bFloats] to `to`. */
export const sumOverSteps = (context: LoweringContext, { a, aImage, aStep, aFloats, b, bImage, bStep, bFloats, ...given }: Summed): Step =>
  filterGradientStep(context, {
    x: [a, aImage, 0, aStep],
    dy: [b, bImage, 0, bStep],
    images: () => context.run.images,
    height: 1,
    width: given.steps,
    runs: [given.runs, 1, aFloats],
    channels: bFloats,
    ...(given.stride === undefined ? {} : { stride: given.stride }),
    target: { address: given.to, mode: 0 },
  })
