/** A condition of a search: how many runs fulfil it, and how many rows are read to know which. */
export type ConditionSize = { readonly runs: number; readonly read: number }

/** Of a set, for each row: to put it in, and to look it up. Of a run by itself: its place in a table larger than memory. In the same unit, measured over 30,000 runs of 300 metrics. */
const COST = { put: 1, find: 0.3, look: 10 }

/**
 * How each condition is best asked, and in which order: as a set that is read once, or run by run. Runs come in the order of the search until a page is full, so that
 * conditions that most runs fulfil are asked of few; where few runs are left at the end, nearly all are come by. Conditions are taken as independent.
 */
export function planConditions(
  sizes: readonly ConditionSize[],
  { runs, limit }: { readonly runs: number; readonly limit: number },
): { readonly at: number; readonly as: 'set' | 'look' }[] {
  const share = (of: ConditionSize): number => (runs === 0 ? 1 : Math.min(1, of.runs / runs))
  const kept = sizes.reduce((product, of) => product * share(of), 1)
  let reaching = Math.min(runs, kept === 0 ? runs : limit / kept)
  return sizes
    .map((of, at) => ({ of, at }))
    .sort((a, b) => a.of.runs - b.of.runs)
    .map(({ of, at }) => {
      const asSet = of.read * COST.put + reaching * COST.find
      const as = asSet < reaching * COST.look ? 'set' : 'look'
      reaching *= share(of)
      return { at, as }
    })
}
