import { CronExpressionParser } from 'cron-parser'
import { AppError } from '../../shared/core/errors.ts'

export type Schedule = { readonly cron: string; readonly timeZone: string }

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
/**
 * The parser is right across a change of the clocks only when it comes from before it: begun within the hour that is repeated it names a moment twice, within the one that
 * is left out none. So it begins so much earlier, in milliseconds; no change is longer than two hours.
 */
const RUN_UP = 3 * HOUR
/** How far back the last moment is looked for, in turn: most are near, and a schedule by minutes has half a million a year. */
const LOOK_BACK = [HOUR, DAY, 32 * DAY, 366 * DAY, 5 * 366 * DAY]

function* momentsAfter({ cron, timeZone }: Schedule, after: number): Generator<number> {
  try {
    const moments = CronExpressionParser.parse(cron, { currentDate: new Date(Math.max(0, after - RUN_UP)), tz: timeZone })
    while (moments.hasNext()) {
      const moment = moments.next().getTime()
      if (moment > after) yield moment
    }
  } catch (thrown) {
    throw new AppError(
      'invalid_input',
      `the schedule "${cron}" in time zone ${timeZone} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown, issues: [{ where: 'settings.cron', what: 'is no schedule: minute hour day-of-month month day-of-week' }] },
    )
  }
}

/**
 * The first moment after `after` that the schedule names; undefined where there is none. A daily 02:30 comes once on each day: where the clocks go forward at the moment that
 * takes its place, where they go back at the first of the two. Throws invalid_input for a schedule that cannot be read.
 */
export function nextMoment(schedule: Schedule, after: number): number | undefined {
  for (const moment of momentsAfter(schedule, after)) return moment
  return undefined
}

/** The last moment after `after` and not after `now`; undefined where there is none. */
export function lastMoment(schedule: Schedule, after: number, now: number): number | undefined {
  for (const back of LOOK_BACK) {
    const from = Math.max(after, now - back)
    let last: number | undefined
    for (const moment of momentsAfter(schedule, from)) {
      if (moment > now) break
      last = moment
    }
    if (last !== undefined || from === after) return last
  }
  return undefined
}
