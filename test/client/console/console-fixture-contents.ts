import type { Id } from '../../../shared/core/ids.ts'
import { seededRandom } from '../../../shared/core/random.ts'

const random = seededRandom(7)
const artifact = (n: number) => `art_${String(n).padStart(20, '0')}` as Id<'artifact'>

const CONFUSION = Array.from({ length: 10 }, (_, truth) =>
  Array.from({ length: 10 }, (_, answer) => (truth === answer ? 960 + truth * 4 : random.integer(6))),
)
/** What is inside some artifacts. */
export const contents: Record<string, unknown> = {
  [artifact(6)]: [1, 2, 3, 4, 5].map((epoch) => ({
    epoch,
    loss: 0.42 / epoch,
    validationAccuracy: 0.95 + epoch * 0.007,
    learningRate: 0.001 / epoch,
    milliseconds: 9000 + epoch,
  })),
  [artifact(7)]: { count: 10_000, accuracy: 0.9887, logLoss: 0.0361, calibrationError: 0.0042, confusion: CONFUSION, slices: [] },
  [artifact(9)]: {
    model: 'digits',
    blessed: false,
    reasons: ['worse than version 3 on source=tablet: 0.931 against 0.962'],
    checks: [
      {
        metric: 'accuracy',
        slice: null,
        against: 'live',
        candidate: 0.9887,
        other: 0.9861,
        paired: null,
        ok: true,
        why: 'better than version 3',
      },
      {
        metric: 'accuracy',
        slice: 'source=tablet',
        against: 'live',
        candidate: 0.931,
        other: 0.962,
        paired: null,
        ok: false,
        why: 'worse than version 3 on source=tablet',
      },
    ],
  },
  [artifact(10)]: {
    count: 10_000,
    figures: { accuracy: 0.9887, logLoss: 0.0361 },
    intervals: { accuracy: { low: 0.9866, high: 0.9906 } },
    slices: [
      {
        slice: 'source=phone',
        count: 6200,
        figures: { accuracy: 0.9902, logLoss: 0.03 },
        intervals: { accuracy: { low: 0.9877, high: 0.9925 } },
      },
      {
        slice: 'source=tablet',
        count: 310,
        figures: { accuracy: 0.931, logLoss: 0.21 },
        intervals: { accuracy: { low: 0.9, high: 0.958 } },
      },
    ],
    statement: 'Intervals hold 95 of 100 times.',
  },
}
