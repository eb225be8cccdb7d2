import { systemClock } from '../../../shared/core/clock.ts'
import { normal, seededRandom } from '../../../shared/core/random.ts'
import type { Forest } from '../../../shared/trees/forest.ts'
import { pacedBy } from '../../../shared/trees/pace.ts'
import { type ForestRules, type Round, trainForest, type TrainForestOptions, type TreeRows } from '../../../shared/trees/train-forest.ts'

export const RULES: ForestRules = {
  loss: 'squared-error',
  rounds: 20,
  rate: 0.3,
  rowShare: 1,
  columnShare: 1,
  bins: 255,
  depth: 4,
  lambda: 1,
  leastChildWeight: 1,
  leastGain: 0,
}

/** Rows of a number, a whole number, a one-hot place out of four (or none), and zeros with some numbers among them. */
export const FEATURES = 7
export function mixedRows(count: number, seed: number, labelOf: (row: readonly number[], noise: number) => number): TreeRows {
  const random = seededRandom(seed)
  const values = new Float32Array(count * FEATURES)
  const labels = Float32Array.from({ length: count }, (_, i) => {
    const place = random.integer(5)
    const rare = random.uniform() < 0.2 ? normal(random) : 0
    const row = [normal(random), random.integer(6), ...[0, 1, 2, 3].map((one) => (one === place ? 1 : 0)), place < 4 ? 0 : rare]
    values.set(row, i * FEATURES)
    return labelOf(row, normal(random))
  })
  return { values, labels }
}

/** A forest of these rows, and what was told after each round. */
export async function grown(
  train: TreeRows,
  rules: Partial<ForestRules>,
  more: Partial<TrainForestOptions> = {},
): Promise<{ forest: Forest; rounds: Round[] }> {
  const rounds: Round[] = []
  const forest = await trainForest({
    rules: { ...RULES, ...rules },
    features: FEATURES,
    classes: 0,
    train,
    seed: 1,
    pace: pacedBy(systemClock, new AbortController().signal),
    afterRound: async (round) => {
      rounds.push(round)
      return 'go on'
    },
    ...more,
  })
  return { forest, rounds }
}
