import { yieldToEventLoop } from '../compute/event-loop.ts'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'

/** Called between two pieces of work: nothing to wait for most of the time, else until others had their turn. Throws aborted. */
export type Pace = () => Promise<void> | undefined

/** The longest that training keeps its thread between two looks at the event loop, milliseconds. */
const YIELD_EVERY = 12

export function pacedBy(clock: Clock, signal: AbortSignal): Pace {
  let last = clock.monotonic()
  const stopped = (): void => {
    if (signal.aborted) throw new AppError('aborted', 'training was aborted', { cause: signal.reason })
  }
  const rest = async (): Promise<void> => {
    await yieldToEventLoop()
    last = clock.monotonic()
    stopped()
  }
  return () => {
    stopped()
    return clock.monotonic() - last < YIELD_EVERY ? undefined : rest()
  }
}
