import type { LoweringContext } from '../lowering.ts'
import { panelsStep, tapPanelsStep } from '../panels.ts'
import { byStretch, type SharedStep } from '../share.ts'
import { type CellMaker, sumOverSteps } from './recurrent-core.ts'

/** Panels of a matrix [rows, columns] for products with it and, in training, with its transpose. */
function panelsOf(context: LoweringContext, rows: number, columns: number, runs: number) {
  const { kernels, run } = context
  const straight = context.allocate(rows * Math.ceil(columns / 8) * 32)
  const turned = context.trains ? context.allocate(columns * Math.ceil(rows / 8) * 32) : 0
  const times =
    (panels: number, inner: number, outer: number) =>
    (a: number, aImage: number, to: number, toImage: number, images: number, flags: number): void =>
      kernels.convolve(a, aImage, 0, 0, to, toImage, 0, 0, images, 1, 1, runs, 1, inner, panels, outer, 0, flags, run.scratch)
  return {
    pack: (from: number): SharedStep[] => [
      panelsStep(context, from, rows, columns, straight),
      ...(context.trains ? [tapPanelsStep(context, from, [runs, 1], rows, columns, turned)] : []),
    ],
    /** to = a * matrix, or to += with flag 2; one row an example. */
    times: times(straight, rows, columns),
    timesTransposed: times(turned, columns, rows),
  }
}

const SET = 4
const ADD = 2

export const simpleCell: CellMaker = (context, { recurrent }, { steps, units, zImage, hImage }, { zFirst, zStep, h: h0, runs }) => {
  const { kernels } = context
  const matrix = panelsOf(context, units, units, runs)
  const row = units * 4
  const summed = { a: h0, aImage: hImage, aStep: row, aFloats: units, b: zFirst, bImage: zImage, bStep: zStep, bFloats: units }
  return {
    prepare: matrix.pack(recurrent.address),
    forward(z, h, t, images) {
      if (t > 0) matrix.times(h - row, hImage, z, zImage, images, ADD)
      kernels.simpleStep(z, zImage, h, hImage, images, units)
    },
    backward(z, h, dh, extra, extraImage, t, _, images) {
      kernels.simpleStepGradient(h, hImage, dh, extra, extraImage, z, zImage, images, units)
      if (t > 0) matrix.timesTransposed(z, zImage, dh, row, images, SET)
    },
    finish: recurrent.trainable ? [sumOverSteps(context, { ...summed, steps, to: recurrent.gradient, runs })] : [],
  }
}

export const lstmCell: CellMaker = (
  context,
  { recurrent, hard: isHard },
  { steps, units, zImage, hImage },
  { zFirst, zStep, h: h0, runs },
) => {
  const { kernels, batchSize } = context
  const matrix = panelsOf(context, units, 4 * units, runs)
  const hard = isHard ? 1 : 0
  const row = units * 4
  const c0 = context.allocate(batchSize * hImage)
  const dc0 = context.allocate(batchSize * row)
  const summed = { a: h0, aImage: hImage, aStep: row, aFloats: units, b: zFirst, bImage: zImage, bStep: zStep, bFloats: 4 * units }
  return {
    prepare: matrix.pack(recurrent.address),
    forward(z, h, t, images) {
      const c = c0 + (h - h0)
      if (t > 0) matrix.times(h - row, hImage, z, zImage, images, ADD)
      kernels.lstmStep(z, zImage, c - row, c, hImage, h, hImage, images, units, hard)
    },
    backward(z, h, dh, extra, extraImage, t, first, images) {
      const c = c0 + (h - h0)
      const dc = dc0 + first * row
      if (t === steps - 1) kernels.fillPixels(dc, 0, 0, 1, 1, images * row)
      kernels.lstmStepGradient(z, zImage, c - row, c, hImage, dh, extra, extraImage, dc, images, units, hard)
      if (t > 0) matrix.timesTransposed(z, zImage, dh, row, images, SET)
    },
    finish: recurrent.trainable ? [sumOverSteps(context, { ...summed, steps, to: recurrent.gradient, runs })] : [],
  }
}

/** The recurrent weights of the gates and of the candidate multiply different things: they are packed as two matrices. */
export const gruCell: CellMaker = (
  context,
  { recurrent, hard: isHard },
  { steps, units, zImage, hImage },
  { zFirst, zStep, h: h0, runs },
) => {
  const { kernels, batchSize } = context
  const [gates, candidate] = [panelsOf(context, units, 2 * units, runs), panelsOf(context, units, units, runs)]
  const hard = isHard ? 1 : 0
  const row = units * 4
  const rh0 = context.allocate(batchSize * hImage)
  const drh0 = context.allocate(batchSize * row)
  const [ofGates, ofCandidate] = [context.allocate(2 * units * row), context.allocate(units * row)]
  const apart = byStretch('values', 1, 1, () => {
    kernels.copyPixels(recurrent.address, 0, 3 * row, ofGates, 0, 2 * row, 1, units, 2 * row)
    kernels.copyPixels(recurrent.address + 2 * row, 0, 3 * row, ofCandidate, 0, row, 1, units, row)
  })
  const pack = [...gates.pack(ofGates), ...candidate.pack(ofCandidate)].map((step): SharedStep => ({ ...step, share: 'values' }))
  const summed = { aImage: hImage, aStep: row, aFloats: units, bImage: zImage, bStep: zStep, steps, stride: 3 * row, runs }
  const { gradient } = recurrent
  return {
    prepare: [apart, ...pack],
    forward(z, h, t, images) {
      const rh = rh0 + (h - h0)
      if (t > 0) gates.times(h - row, hImage, z, zImage, images, ADD)
      kernels.gruGates(z, zImage, h - row, rh, hImage, images, units, hard)
      if (t > 0) candidate.times(rh, hImage, z + 2 * row, zImage, images, ADD)
      kernels.gruStep(z, zImage, h - row, h, hImage, images, units)
    },
    backward(z, h, dh, extra, extraImage, t, first, images) {
      const drh = drh0 + first * row
      kernels.gruStepGradient(z, zImage, h - row, hImage, dh, extra, extraImage, images, units, hard)
      candidate.timesTransposed(z + 2 * row, zImage, drh, row, images, SET)
      kernels.gruResetGradient(z, zImage, h - row, hImage, drh, dh, images, units, hard)
      if (t > 0) gates.timesTransposed(z, zImage, dh, row, images, ADD)
    },
    finish: recurrent.trainable
      ? [
          sumOverSteps(context, { ...summed, a: h0, b: zFirst, bFloats: 2 * units, to: gradient }),
          sumOverSteps(context, { ...summed, a: rh0 + row, b: zFirst + 2 * row, bFloats: units, to: gradient + 2 * row }),
        ]
      : [],
  }
}
