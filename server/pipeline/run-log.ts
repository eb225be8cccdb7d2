import type { Clock } from '../../shared/core/clock.ts'
import { type Statement, writeBatch } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'
import { addLogLine, type LogLevel, type NewLogLine } from './run-log-store.ts'

/** Lines are written together, at most so often, in milliseconds. */
const FLUSH_EVERY = 250
/** A step that floods its log loses lines, not the server's memory. */
const MAX_WAITING = 1000

export type RunLog = {
  add(step: string | null, level: LogLevel, message: string): void
  flush(): Promise<void>
  /** Resolves when nothing is being written. */
  written(): Promise<void>
  /** What waits, to be written as part of a batch, and lost with it. Await written() before it, or lines change places. */
  taken(): Statement[]
}

export function openRunLog({ db, clock, run }: { readonly db: Db; readonly clock: Clock; readonly run: string }): RunLog {
  let waiting: NewLogLine[] = []
  let dropped = 0
  let scheduled = false
  let writing: Promise<void> = Promise.resolve()

  const taken = (): Statement[] => {
    const lines = waiting
    if (dropped > 0) lines.push({ at: clock.now(), step: null, level: 'warn', message: `${dropped} more lines came than could be kept` })
    waiting = []
    dropped = 0
    return lines.map((line) => addLogLine(run, line))
  }

  const flush = (): Promise<void> => {
    const lines = taken()
    if (lines.length > 0) writing = writing.catch(() => {}).then(() => writeBatch(db, lines, { synced: false }))
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
    taken,
  }
}
