/** Answers in one window, and windows in a row, before times count as changed: a minute of typical use rather than a burst. */
const WINDOW = 40
const WINDOWS = 2
/** How far the median of a window must be from the expected one: times, and milliseconds that a clock or a scheduler may add by themselves. */
const FACTOR = 1.75
const SLACK_MS = 1

/** The least time between two measurements of one model. */
export const MEASURE_AGAIN_MS = 10 * 60 * 1000

/** Notices that a model answers in another time than was measured: times are taken in, one for each answer. */
export type LatencyWatch = {
  /** True once the medians of two windows in a row lie on the same side, far from the expected one. Then it starts afresh. */
  add(ms: number): boolean
}

/**
 * Watches the times of answers against those that a choice was made by. Sustained only: one slow window is a busy moment. Faster counts too, as the measurement may
 * have been made in a busy moment.
 */
export function latencyWatch(expected: number): LatencyWatch {
  let window: number[] = []
  let run = 0
  const sideOf = (median: number): number => {
    if (median > expected * FACTOR + SLACK_MS) return 1
    return median * FACTOR + SLACK_MS < expected ? -1 : 0
  }
  return {
    add(ms) {
      window.push(ms)
      if (window.length < WINDOW) return false
      const side = sideOf(window.sort((a, b) => a - b)[WINDOW >> 1] ?? expected)
      window = []
      run = side === 0 ? 0 : Math.sign(run) === side ? run + side : side
      if (Math.abs(run) < WINDOWS) return false
      run = 0
      return true
    },
  }
}
