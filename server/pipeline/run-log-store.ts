import type { Statement } from '../storage/statements.ts'
import type { Db } from '../storage/database.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogLine = {
  readonly seq: number
  readonly at: number
  readonly step: string | null
  readonly level: LogLevel
  readonly message: string
}
export type NewLogLine = Omit<LogLine, 'seq'>

type LogTables = { run_logs: { run: string; seq: number; at: number; step: string | null; level: string; message: string } }

const MAX_MESSAGE = 8000

/** A line behind those that the run has, as part of a batch. */
export const addLogLine = (run: string, { at, step, level, message }: NewLogLine): Statement => ({
  text: `insert into run_logs (run, seq, at, step, level, message)
    values (?, (select coalesce(max(seq), 0) + 1 from run_logs where run = ?), ?, ?, ?, ?)`,
  values: [run, run, at, step, level, message.slice(0, MAX_MESSAGE)],
})

export function runLogStore(base: Db) {
  const db = base.withTables<LogTables>()
  return {
    page(run: string, options: { step?: string | undefined; after: number; limit: number }): Promise<LogLine[]> {
      let query = db
        .selectFrom('run_logs')
        .select(['seq', 'at', 'step', 'level', 'message'])
        .where('run', '=', run)
        .where('seq', '>', options.after)
      if (options.step !== undefined) query = query.where('step', '=', options.step)
      return query.orderBy('seq').limit(options.limit).execute() as Promise<LogLine[]>
    },
  }
}
