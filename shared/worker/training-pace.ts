import type { Clock } from '../core/clock.ts'

/** Rests shorter than this are saved up: a timer that short costs more than it rests. */
const LEAST_REST_MS = 4
/** The longest rest at once, so that a single slow step does not stop training for seconds. */
const MOST_REST_MS = 1000

/** How training shares the machine: it rests between its steps as long as its share says, or for as long as it is paused. */
export type TrainingPace = {
  /** Waits between two steps. */
  between(): Promise<void>
  /** Part of the time that training may work, above 0 up to 1. */
  share(part: number): void
  pause(): void
  resume(): void
}

export function createTrainingPace(clock: Clock): TrainingPace {
  let part = 1
  let since = clock.monotonic()
  let owed = 0
  let paused: PromiseWithResolvers<void> | undefined
  return {
    async between() {
      // what it rests while it is paused is not work
      owed = Math.min(MOST_REST_MS, owed + (clock.monotonic() - since) * (1 / part - 1))
      while (paused !== undefined) await paused.promise
      if (owed >= LEAST_REST_MS) {
        const rest = owed
        owed = 0
        await clock.sleep(rest)
      }
      since = clock.monotonic()
    },
    share(next) {
      part = Math.min(1, Math.max(0.02, next))
    },
    pause() {
      paused ??= Promise.withResolvers<void>()
    },
    resume() {
      paused?.resolve()
      paused = undefined
    },
  }
}
