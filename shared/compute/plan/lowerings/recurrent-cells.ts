import type { LoweringContext } from '../lowering.ts'
import { type CellMaker, sumOverSteps } from './recurrent-core.ts'

/** Panels of a matrix [rows, columns] for products with it and, in training, with its transpose. */
function panelsOf(context: LoweringContext, rows: number, columns: number, runs: number) {
  const { kernels, run } = context
  const straight = context.allocate(rows * Math.ceil(columns / 8) * 32)
  const turned = context.trains ? context.allocate(columns * Math.ceil(rows / 8) * 32) : 0
  const times = (panels: number, inner: number, outer: number) => (a: number, aImage: number, to: number, toImage: number, flags: number) =>
    kernels.convolve(a, aImage, 0, 0, to, toImage, 0, 0, run.images, 1, 1, runs, 1, inner, panels, outer, 0, flags, run.scratch)
  return {
    pack(from: number) {
      kernels.packPanels(from, rows, columns, straight)
      if (context.trains) kernels.packTaps(from, runs, 1, rows, columns, turned)
    },
    /** to = a * matrix, or to += with flag 2; one row an example. */
    times: times(straight, rows, columns),
    timesTransposed: times(turned, columns, rows),
  }
}

const SET = 4
const ADD = 2

export const simpleCell: CellMaker = (
  context,
  { recurrent },
  { steps, units, zImage, hImage },
  { zFirst, zStep, h: h0, dh: dh0, runs },
) => {
  const { kernels, run } = context
  const matrix = panelsOf(context, units, units, runs)
  const row = units * 4
  return {
    prepare: () => matrix.pack(recurrent.address),
    forward(z, h, t) {
      if (t > 0) matrix.times(h - row, hImage, z, zImage, ADD)
      kernels.simpleStep(z, zImage, h, hImage, run.images, units)
    },
    backward(z, h, dh, extra, extraImage, t) {
      kernels.simpleStepGradient(h, hImage, dh, extra, extraImage, z, zImage, run.images, units)
      if (t > 0) matrix.timesTransposed(z, zImage, dh0, row, SET)
    },
    finish() {
      if (recurrent.trainable) sumOverSteps(context, h0, hImage, row, units, zFirst, zImage, zStep, units, steps, recurrent.gradient, runs)
    },
  }
}

export const lstmCell: CellMaker = (
  context,
  { recurrent, hard: isHard },
  { steps, units, zImage, hImage },
  { zFirst, zStep, h: h0, dh: dh0, runs },
) => {
  const { kernels, run, batchSize } = context
  const matrix = panelsOf(context, units, 4 * units, runs)
  const hard = isHard ? 1 : 0
  const row = units * 4
  const c0 = context.allocate(batchSize * hImage)
  const dc = context.allocate(batchSize * row)
  return {
    prepare: () => matrix.pack(recurrent.address),
    forward(z, h, t) {
      const c = c0 + (h - h0)
      if (t > 0) matrix.times(h - row, hImage, z, zImage, ADD)
      kernels.lstmStep(z, zImage, c - row, c, hImage, h, hImage, run.images, units, hard)
    },
    backward(z, h, dh, extra, extraImage, t) {
      const c = c0 + (h - h0)
      if (t === steps - 1) kernels.fillPixels(dc, 0, 0, 1, 1, run.images * row)
      kernels.lstmStepGradient(z, zImage, c - row, c, hImage, dh, extra, extraImage, dc, run.images, units, hard)
      if (t > 0) matrix.timesTransposed(z, zImage, dh0, row, SET)
    },
    finish() {
      if (recurrent.trainable)
        sumOverSteps(context, h0, hImage, row, units, zFirst, zImage, zStep, 4 * units, steps, recurrent.gradient, runs)
    },
  }
}

/** The recurrent weights of the gates and of the candidate multiply different things: they are kept as two matrices. */
export const gruCell: CellMaker = (
  context,
  { recurrent, hard: isHard },
  { steps, units, zImage, hImage },
  { zFirst, zStep, h: h0, dh: dh0, runs },
) => {
  const { kernels, run, batchSize } = context
  const [gates, candidate] = [panelsOf(context, units, 2 * units, runs), panelsOf(context, units, units, runs)]
  const hard = isHard ? 1 : 0
  const row = units * 4
  const rh0 = context.allocate(batchSize * hImage)
  const drh = context.allocate(batchSize * row)
  const [ofGates, ofCandidate] = [context.allocate(2 * units * row), context.allocate(units * row)]
  return {
    prepare() {
      kernels.copyPixels(recurrent.address, 0, 3 * row, ofGates, 0, 2 * row, 1, units, 2 * row)
      kernels.copyPixels(recurrent.address + 2 * row, 0, 3 * row, ofCandidate, 0, row, 1, units, row)
      gates.pack(ofGates)
      candidate.pack(ofCandidate)
    },
    forward(z, h, t) {
      const rh = rh0 + (h - h0)
      if (t > 0) gates.times(h - row, hImage, z, zImage, ADD)
      kernels.gruGates(z, zImage, h - row, rh, hImage, run.images, units, hard)
      if (t > 0) candidate.times(rh, hImage, z + 2 * row, zImage, ADD)
      kernels.gruStep(z, zImage, h - row, h, hImage, run.images, units)
    },
    backward(z, h, dh, extra, extraImage, t) {
      kernels.gruStepGradient(z, zImage, h - row, hImage, dh, extra, extraImage, run.images, units, hard)
      candidate.timesTransposed(z + 2 * row, zImage, drh, row, SET)
      kernels.gruResetGradient(z, zImage, h - row, hImage, drh, dh, run.images, units, hard)
      if (t > 0) gates.timesTransposed(z, zImage, dh0, row, ADD)
    },
    finish() {
      if (!recurrent.trainable) return
      const to = recurrent.gradient
      sumOverSteps(context, h0, hImage, row, units, zFirst, zImage, zStep, 2 * units, steps, ofGates, runs)
      sumOverSteps(context, rh0 + row, hImage, row, units, zFirst + 2 * row, zImage, zStep, units, steps, ofCandidate, runs)
      kernels.copyPixels(ofGates, 0, 2 * row, to, 0, 3 * row, 1, units, 2 * row)
      kernels.copyPixels(ofCandidate, 0, row, to + 2 * row, 0, 3 * row, 1, units, row)
    },
  }
}
