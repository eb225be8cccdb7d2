/** Times taken each way before one is chosen: their medians are compared, as the first ones are slow and something else may come between. */
const TRIES = 5
/** Pieces of work between two trials: more of them as long as a trial ends like the one before. */
const [SHORT_STAY, LONG_STAY] = [32, 512]

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0

/**
 * Which of two ways to do the same work is the quicker one lately. Tries both in turns, keeps to the better one, and looks again now and then: machines have other work
 * at times, and cores of unequal speed.
 */
export function quickerOf<W extends string>(first: W, second: W) {
  let times: Record<W, number[]> = { [first]: [], [second]: [] } as unknown as Record<W, number[]>
  let chosen: W = first
  let stay = SHORT_STAY
  let left = 0
  return {
    /** The way to do the next piece of work. */
    next: (): W => (left > 0 ? chosen : times[first].length <= times[second].length ? first : second),
    /** How long a piece took, by the way that `next` said. */
    took(way: W, ms: number): void {
      if (left > 0) {
        left--
        return
      }
      times[way].push(ms)
      if (times[second].length < TRIES) return
      const better = median(times[first]) <= median(times[second]) ? first : second
      stay = better === chosen ? Math.min(2 * stay, LONG_STAY) : SHORT_STAY
      chosen = better
      left = stay
      times = { [first]: [], [second]: [] } as unknown as Record<W, number[]>
    },
    /** What was chosen last. */
    get chosen(): W {
      return chosen
    },
  }
}
