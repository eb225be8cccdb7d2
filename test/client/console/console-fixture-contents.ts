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
}
