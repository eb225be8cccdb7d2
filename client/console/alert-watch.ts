import { signal } from '@preact/signals'
import { toAppError } from '../../shared/core/errors.ts'
import { showToast } from '../ui/toasts.tsx'
import { onLiveEvent } from './live.ts'
import { linkTo } from './location.ts'
import { api } from './session.ts'

/** How many of the newest alerts nobody has acknowledged. */
export const openAlerts = signal(0)

const COUNTED_ALERTS = '200'

export async function countAlerts(): Promise<void> {
  try {
    const { items } = await api('alerts.list', { query: { limit: COUNTED_ALERTS } })
    openAlerts.value = items.filter((alert) => alert.acknowledged === null).length
  } catch (thrown) {
    // the badge keeps its number; the pages show their own failures
    console.warn(toAppError(thrown).message)
  }
}

/** Keeps the badge's number and announces new alerts. Gives back what ends it. */
export function watchAlerts(): () => void {
  void countAlerts()
  return onLiveEvent((event) => {
    if (event !== 'reconnected' && event.type !== 'alert.raised') return
    void countAlerts()
    if (event !== 'reconnected') {
      showToast({
        key: `alert ${event.at}`,
        tone: 'warn',
        text: `Alert: ${event.subject}`,
        lasts: 10_000,
        action: { label: 'Show', run: () => location.assign(linkTo(['alerts'])) },
      })
    }
  })
}
