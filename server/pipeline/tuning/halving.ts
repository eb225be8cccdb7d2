export type HalvingOptions = {
  /**
   * `halving` waits at each rung for all trials (Jamieson and Talwalkar 2016): none goes on that should not have. `asha` lets the best so far go on at once (Li et al. 2018): some go on in vain, but
   * no worker waits, and good answers come early.
   */
  readonly kind: 'halving' | 'asha'
  /** Of so many trials at a rung the best one goes on. */
  readonly reduction: number
  /** Epochs of the lowest rung. */
  readonly least: number
  /** Epochs of a whole trial. */
  readonly most: number
}

/** Epochs after which trials are compared: least, least * reduction, ... and at last all of them. */
export function rungsOf({ reduction, least, most }: Pick<HalvingOptions, 'reduction' | 'least' | 'most'>): number[] {
  const rungs: number[] = []
  for (let epochs = Math.min(least, most); epochs < most; epochs *= reduction) rungs.push(epochs)
  return [...rungs, most]
}

/** A trial as the scheduler sees it: its score at each rung that it has reached, the greater the better. */
export type Climber = { readonly number: number; readonly scores: readonly number[] }

/**
 * The trial that may go on to the next rung, after asynchronous successive halving (ASHA: Li et al. 2018): among those that have reached a rung, one of the best 1/reduction that has not gone on
 * yet; of several rungs the highest. Undefined where none may: then a new trial is begun. `busy` trials are on their way already.
 */
export function promotableSoon(
  climbers: readonly Climber[],
  busy: ReadonlySet<number>,
  rungs: number,
  reduction: number,
): number | undefined {
  for (let rung = rungs - 2; rung >= 0; rung--) {
    const here = climbers
      .filter(({ scores }) => scores.length > rung)
      .sort((a, b) => (b.scores[rung] ?? 0) - (a.scores[rung] ?? 0) || a.number - b.number)
    const best = here.slice(0, Math.floor(here.length / reduction))
    const next = best.find(({ number, scores }) => scores.length === rung + 1 && !busy.has(number))
    if (next !== undefined) return next.number
  }
  return undefined
}

/** The same where all trials of a rung are waited for: `left` more trials are to begin. At least one goes on from every rung. */
export function promotableLast(
  climbers: readonly Climber[],
  busy: ReadonlySet<number>,
  rungs: number,
  reduction: number,
  left: number,
): number | undefined {
  if (left > 0) return undefined
  for (let rung = 0; rung < rungs - 1; rung++) {
    const here = climbers
      .filter(({ scores }) => scores.length > rung)
      .sort((a, b) => (b.scores[rung] ?? 0) - (a.scores[rung] ?? 0) || a.number - b.number)
    // those on their way to this rung may yet be among its best
    if (climbers.some(({ number, scores }) => scores.length === rung && busy.has(number))) return undefined
    const best = here.slice(0, Math.max(1, Math.floor(here.length / reduction)))
    const next = best.find(({ number, scores }) => scores.length === rung + 1 && !busy.has(number))
    if (next !== undefined) return next.number
    if (best.some(({ number }) => busy.has(number))) return undefined
  }
  return undefined
}
