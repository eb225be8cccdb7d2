import type { Clock } from '../../shared/core/clock.ts'
import { AppError } from '../../shared/core/errors.ts'

const HOUR_MS = 60 * 60 * 1000

/**
 * How much one device may hand in each hour: bounds what a stuffed or looping device can weigh. Kept in memory, begun anew with the process.
 * Throws rate_limited, which a device answers by keeping its reports for later.
 */
export function createDeviceQuota({ clock, maxReports, maxPredictions }: { clock: Clock; maxReports: number; maxPredictions: number }) {
  let hour = Number.NaN
  let used = new Map<string, { reports: number; predictions: number }>()
  return (device: string, reports: number, predictions: number): void => {
    const now = Math.floor(clock.now() / HOUR_MS)
    if (now !== hour) {
      hour = now
      used = new Map()
    }
    const mine = used.get(device) ?? { reports: 0, predictions: 0 }
    if (mine.reports + reports > maxReports)
      throw new AppError('rate_limited', `more than ${maxReports} reports from one device in one hour: send them in the next one`)
    if (mine.predictions + predictions > maxPredictions)
      throw new AppError('rate_limited', `more than ${maxPredictions} predictions from one device in one hour: send them in the next one`)
    used.set(device, { reports: mine.reports + reports, predictions: mine.predictions + predictions })
  }
}
