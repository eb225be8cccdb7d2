import { signal } from '@preact/signals'

const TICK_MS = 10_000

/** Wall time in epoch milliseconds, moving in steps: enough for "3 min ago". */
export const now = signal(Date.now())

setInterval(() => {
  now.value = Date.now()
}, TICK_MS)
