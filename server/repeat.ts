import type { Clock } from '../shared/core/clock.ts'
import type { Log } from './log.ts'

export type Repeat = {
  readonly clock: Clock
  readonly everyMs: number
  readonly signal: AbortSignal
  readonly log: Log
  readonly name: string
}

/** Does something now, and then again and again until the signal ends it. A failure is logged, and the next turn comes all the same. */
export async function repeat({ clock, everyMs, signal, log, name }: Repeat, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work().catch((thrown: unknown) =>
      log.error(`${name} failed`, { error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
    )
    await clock.sleep(everyMs, signal).catch(() => {})
  }
}
