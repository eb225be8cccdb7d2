import * as z from 'zod/mini'
import { toHex } from '../../../shared/core/bytes.ts'
import type { Clock } from '../../../shared/core/clock.ts'
import type { Random } from '../../../shared/core/random.ts'
import type { DeviceStorage } from '../storage/device-storage.ts'

const SETTING = 'epoch'
const epochRecord = z.object({ epoch: z.string(), day: z.int(), next: z.int() })
const DAY_MS = 24 * 60 * 60 * 1000

/** What names a report for ever. Reports of one day share a random epoch; those of different days cannot be joined. */
export async function nextReportName({
  storage,
  clock,
  random,
}: {
  storage: DeviceStorage
  clock: Clock
  random: Random
}): Promise<{ epoch: string; sequence: number }> {
  const day = Math.floor(clock.now() / DAY_MS)
  const fresh = toHex(random.bytes(16))
  let name = { epoch: fresh, sequence: 0 }
  await storage.updateSetting(SETTING, (value) => {
    const known = epochRecord.safeParse(value)
    if (known.success && known.data.day === day) name = { epoch: known.data.epoch, sequence: known.data.next }
    return { epoch: name.epoch, day, next: name.sequence + 1 }
  })
  return name
}
