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

/** Takes a database or a transaction. */
export function runLogStore(base: Db) {
  const db = base.withTables<LogTables>()
  return {
    async append(run: string, lines: readonly NewLogLine[]): Promise<void> {
      if (lines.length === 0) return
      const last = await db
        .selectFrom('run_logs')
        .select((e) => e.fn.max('seq').as('seq'))
        .where('run', '=', run)
        .executeTakeFirst()
      const first = (last?.seq ?? 0) + 1
      await db
        .insertInto('run_logs')
        .values(
          lines.map((line, i) => ({
            run,
            seq: first + i,
            at: line.at,
            step: line.step,
            level: line.level,
            message: line.message.slice(0, MAX_MESSAGE),
          })),
        )
        .execute()
    },

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
