/** What the margins of a forest become: probabilities of several labels, of two, or a number as it is. */
export const FOREST_ANSWERS = ['softmax', 'logistic', 'number'] as const
export type ForestAnswer = (typeof FOREST_ANSWERS)[number]

/**
 * Boosted trees, as they are walked. The nodes of all trees stand one after another, each tree in preorder. A node asks whether `row[feature] <= value`; yes goes to the
 * node after it, no to `right`, which always lies further on: so a walk ends. A leaf (feature -1) adds its value to margin `tree % margins`.
 */
export type Forest = {
  readonly answer: ForestAnswer
  /** Values of a row. */
  readonly features: number
  /** Labels; 0 where it answers with a number. */
  readonly classes: number
  /** What each margin starts from. */
  readonly base: Float32Array<ArrayBuffer>
  /** The first node of each tree. */
  readonly starts: Int32Array<ArrayBuffer>
  readonly feature: Int32Array<ArrayBuffer>
  readonly value: Float32Array<ArrayBuffer>
  readonly right: Int32Array<ArrayBuffer>
}

/** Margins that a row gets: one for each label, and one for two of them or a number. */
export const marginCount = ({ answer, classes }: Pick<Forest, 'answer' | 'classes'>): number => (answer === 'softmax' ? classes : 1)

/** Numbers that a forest answers a row with. */
export const answerWidth = ({ classes }: Pick<Forest, 'classes'>): number => Math.max(1, classes)

/** The first `trees` trees. */
export function firstTrees(forest: Forest, trees: number): Forest {
  if (trees >= forest.starts.length) return forest
  const nodes = forest.starts[trees] as number
  return {
    ...forest,
    starts: forest.starts.slice(0, trees),
    feature: forest.feature.slice(0, nodes),
    value: forest.value.slice(0, nodes),
    right: forest.right.slice(0, nodes),
  }
}

/** The forest whose answer is `factor` times this one's, plus `offset`: another unit. For forests that answer with a number. */
export const inUnit = (forest: Forest, factor: number, offset: number): Forest => ({
  ...forest,
  base: forest.base.map((value) => value * factor + offset),
  value: forest.value.map((value, i) => ((forest.feature[i] as number) < 0 ? value * factor : value)),
})
