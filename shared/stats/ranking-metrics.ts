/** Rows of one query: what the model scored, and how relevant each row is (0: not at all). */
export type Query = { readonly scores: ArrayLike<number>; readonly relevance: ArrayLike<number> }

export type QueryFigures = {
  readonly ndcg: Readonly<Record<number, number>>
  readonly averagePrecision: number
  readonly reciprocalRank: number
}

/** Rows of equal score have no order among themselves. */
type Tie = readonly number[]

function ties({ scores, relevance }: Query): Tie[] {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number))
  const groups: number[][] = []
  for (const [at, row] of order.entries()) {
    const before = order[at - 1]
    if (before === undefined || scores[before] !== scores[row]) groups.push([])
    groups.at(-1)?.push(relevance[row] as number)
  }
  return groups
}

/** Discounted cumulative gain of the first k: relevance / log2(rank + 1) (Järvelin and Kekäläinen 2002). Rows of one score share their mean gain (McSherry and Najork 2008). */
function dcg(groups: readonly Tie[], k: number): number {
  let [sum, rank] = [0, 0]
  for (const group of groups) {
    const gain = group.reduce((total, one) => total + one, 0) / group.length
    for (let i = 0; i < group.length && rank < k; i++) sum += gain / Math.log2(++rank + 1)
  }
  return sum
}

/**
 * How well one query was ranked; undefined where none of its rows is relevant, as nothing can be ranked then. Where rows of one score differ in relevance, average precision and
 * reciprocal rank take the worst order: a model gains nothing from not deciding.
 */
export function rankingOf(query: Query, cuts: readonly number[]): QueryFigures | undefined {
  const groups = ties(query)
  const sorted = [...groups.flat()].sort((a, b) => b - a)
  const relevant = sorted.filter((one) => one > 0).length
  if (relevant === 0) return undefined
  const ranks = groups.flatMap((group) => [...group].sort((a, b) => a - b)).flatMap((one, at) => (one > 0 ? [at + 1] : []))
  return {
    ndcg: Object.fromEntries(
      cuts.map((k) => [
        k,
        dcg(groups, k) /
          dcg(
            sorted.map((one) => [one]),
            k,
          ),
      ]),
    ),
    averagePrecision: ranks.reduce((sum, rank, at) => sum + (at + 1) / rank, 0) / relevant,
    reciprocalRank: 1 / (ranks[0] ?? Number.POSITIVE_INFINITY),
  }
}

/** A function of weights over queries: means of `ndcg@k`, `map` and `mrr` over those that have a relevant row. */
export function ranker(
  queries: readonly (QueryFigures | undefined)[],
  cuts: readonly number[],
): (weights?: ArrayLike<number>) => Record<string, number> {
  return (weights) => {
    const sums = new Map<string, number>()
    let total = 0
    for (const [i, one] of queries.entries()) {
      const w = weights === undefined ? 1 : (weights[i] as number)
      if (one === undefined || w === 0) continue
      total += w
      const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + w * value)
      for (const k of cuts) add(`ndcg@${k}`, one.ndcg[k] ?? 0)
      add('map', one.averagePrecision)
      add('mrr', one.reciprocalRank)
    }
    return Object.fromEntries([...sums].map(([name, sum]) => [name, sum / total]))
  }
}
