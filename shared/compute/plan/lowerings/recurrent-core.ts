import type { Activation, LoweringContext, PlanWeight } from '../lowering.ts'
import type { Region } from '../region.ts'

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

/** What the kinds differ in: the gates of one step, both ways. Addresses are those of the first example. */
export type Cell = {
  /** Values of every step's gates from their pre-activations at `z`; writes the state at `h`. `t` counts from 0 in the order of the recurrence. */
  forward(z: number, h: number, t: number): void
  /** Gradients of the gates at `z`, in place, from `dh` and `extra` (0: none); leaves in `dh` the gradient by the state before. */
  backward(z: number, h: number, dh: number, extra: number, extraImage: number, t: number): void
  /** Packs the recurrent weights, before the first step. */
  readonly prepare: () => void
  /** The gradient of the recurrent weights, once all steps are done. `z` are the gates' gradients. */
  readonly finish: () => void
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
  const rows = (): number => run.images * steps
  const [xRow, zRow] = [features * 4, width * 4]
  context.needScratch(64 + 64 * Math.max(features, width))
  context.needScratch(32 * steps * Math.min(batchSize, Math.max(1, Math.floor(512 / steps))))
  context.needScratch(32 * batchSize * Math.ceil(width / 8))

  const flipped = backwards && recurrence.inOrder
  const { address: y, image: yImage } = output.value
  const unitBytes = units * 4
  context.forward(
    () =>
      kernels.multiply(x, xRow, kernel.address, zRow, 0, z, zRow, rows(), features, width, bias?.address ?? 0, bias ? 0 : 4, run.scratch),
    cell.prepare,
    () => {
      for (let t = 0; t < steps; t++) cell.forward(zAt(t), h + (t + 1) * unitBytes, t)
    },
    () => {
      const last = h + steps * unitBytes
      const to = y + column * 4
      if (!sequences) kernels.copyPixels(last, sizes.hImage, 0, to, yImage, 0, run.images, 1, unitBytes)
      else if (flipped) kernels.copyPixels(last, sizes.hImage, -unitBytes, to, yImage, rowFloats * 4, run.images, steps, unitBytes)
      else kernels.copyPixels(h + unitBytes, sizes.hImage, unitBytes, to, yImage, rowFloats * 4, run.images, steps, unitBytes)
    },
  )
  if (!output.gradient) return
  const { address: dy, image: dyImage } = output.gradient
  context.backward(
    () => kernels.fillPixels(dh, 0, 0, 1, 1, run.images * unitBytes),
    () => {
      for (let t = steps - 1; t >= 0; t--) {
        const row = flipped ? steps - 1 - t : t
        const extra = sequences ? dy + (row * rowFloats + column) * 4 : t === steps - 1 ? dy + column * 4 : 0
        cell.backward(zAt(t), h + (t + 1) * unitBytes, dh, extra, dyImage, t)
      }
    },
    cell.finish,
    () => {
      if (target)
        kernels.multiply(
          z,
          zRow,
          kernel.address,
          zRow,
          1,
          target.address,
          xRow,
          rows(),
          width,
          features,
          0,
          recurrence.adds ? 2 : 4,
          run.scratch,
        )
      if (kernel.trainable)
        sumOverSteps(context, x, steps * xRow, xRow, features, z, sizes.zImage, zRow, width, steps, kernel.gradient, runs)
      if (bias?.trainable) kernels.channelSums(z, sizes.zImage, 0, zRow, run.images, 1, steps, width, bias.gradient, 0, 0)
    },
  )
}

/** The sum over all examples and steps of a's values times b's: [aFloats, bFloats] to `to`. Strides are bytes between examples and between steps. */
export function sumOverSteps(
  { kernels, run }: LoweringContext,
  a: number,
  aImage: number,
  aStep: number,
  aFloats: number,
  b: number,
  bImage: number,
  bStep: number,
  bFloats: number,
  steps: number,
  to: number,
  runs: number,
): void {
  kernels.filterGradient(a, aImage, 0, aStep, b, bImage, 0, bStep, run.images, 1, steps, runs, 1, aFloats, to, bFloats, 0, 0, run.scratch)
}
