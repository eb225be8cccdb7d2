import type { Clock } from '../../shared/core/clock.ts'
import type { Db } from '../storage/database.ts'
import { type LogLevel, type NewLogLine, runLogStore } from './run-log-store.ts'

/** Lines are written together, at most so often, in milliseconds. */
const FLUSH_EVERY = 250
/** A step that floods its log loses lines, not the server's memory. */
const MAX_WAITING = 1000

export type RunLog = {
  add(step: string | null, level: LogLevel, message: string): void
  flush(): Promise<void>
  /** Resolves when nothing is being written. */
  written(): Promise<void>
  /** Writes what waits as part of a transaction, and is lost with it. Await written() before it, or lines change places. */
  flushInto(tx: Db): Promise<void>
}

export function openRunLog({ db, clock, run }: { readonly db: Db; readonly clock: Clock; readonly run: string }): RunLog {
  let waiting: NewLogLine[] = []
  let dropped = 0
  let scheduled = false
  let writing: Promise<void> = Promise.resolve()

  const taken = (): NewLogLine[] => {
    const lines = waiting
    if (dropped > 0) lines.push({ at: clock.now(), step: null, level: 'warn', message: `${dropped} more lines came than could be kept` })
    waiting = []
    dropped = 0
    return lines
  }

  const flush = (): Promise<void> => {
    const lines = taken()
    if (lines.length > 0) writing = writing.catch(() => {}).then(() => db.transaction().execute((tx) => runLogStore(tx).append(run, lines)))
    return writing
  }

  return {
    add: (step, level, message) => {
      if (waiting.length >= MAX_WAITING) {
        dropped++
        return
      }
      waiting.push({ at: clock.now(), step, level, message })
      if (scheduled) return
      scheduled = true
      void clock.sleep(FLUSH_EVERY).then(() => {
        scheduled = false
        // a line that cannot be stored is told again by the flush at the step's end
        return flush().catch(() => {})
      })
    },
    flush,
    written: () => writing.catch(() => {}),
    flushInto: (tx) => runLogStore(tx).append(run, taken()),
  }
}
