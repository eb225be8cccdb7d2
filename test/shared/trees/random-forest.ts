import { marginCount, type Forest, type ForestAnswer } from '../../../shared/trees/forest.ts'
import { type Random, seededRandom } from '../../../shared/core/random.ts'

/** Between -2 and 2, the same bits on every engine. */
const drawn = (random: Random): number => 4 * random.uniform() - 2

/** A forest whose trees are drawn: of single leaves, of chains, of anything between. Also what trains nothing needs to be walked. */
export function randomForest(seed: number, answer: ForestAnswer = 'number', features = 5): Forest {
  const random = seededRandom(seed)
  const classes = { softmax: 3, logistic: 2, number: 0 }[answer]
  const margins = marginCount({ answer, classes })
  const [starts, feature, value, right]: [number[], number[], number[], number[]] = [[], [], [], []]
  const grow = (depth: number): void => {
    const node = feature.length
    const asks = depth < 9 && random.uniform() < 0.7
    feature.push(asks ? random.integer(features) : -1)
    value.push(drawn(random))
    right.push(0)
    if (!asks) return
    grow(depth + 1)
    right[node] = feature.length
    grow(depth + 1)
  }
  const trees = margins * (1 + random.integer(6))
  for (let tree = 0; tree < trees; tree++) {
    starts.push(feature.length)
    grow(0)
  }
  return {
    answer,
    features,
    classes,
    base: Float32Array.from({ length: margins }, () => drawn(random)),
    starts: Int32Array.from(starts),
    feature: Int32Array.from(feature),
    value: Float32Array.from(value),
    right: Int32Array.from(right),
  }
}

/** Rows of draws, with some values that stand exactly on a threshold of the forest. */
export function rowsFor({ features, value }: Forest, count: number, random: Random): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count * features }, () =>
    random.uniform() < 0.2 ? (value[random.integer(value.length)] ?? 0) : drawn(random),
  )
}
