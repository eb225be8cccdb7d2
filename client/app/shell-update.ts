import { effect } from '@preact/signals'
import { registerSW } from 'virtual:pwa-register'
import { showToast } from '../ui/toasts.tsx'
import { loadState } from './device.ts'

const LOOK_EVERY_MS = 60 * 60 * 1000

/** True only once the model is stored, too. */
function sayOfflineReady(): void {
  const stop = effect(() => {
    if (loadState.value.phase !== 'ready') return
    queueMicrotask(() => stop())
    showToast({ key: 'shell', tone: 'good', text: 'Ready to work offline.', lasts: 6000 })
  })
}

/** Registers the service worker: says once that the app works offline, and asks before a new version of the page takes over. */
export function watchShell(): void {
  const update = registerSW({
    onOfflineReady: sayOfflineReady,
    onNeedRefresh: () =>
      showToast({ key: 'shell', text: 'A new version of this app is ready.', action: { label: 'Reload', run: () => void update(true) } }),
    onRegisteredSW: (_, registration) => {
      if (registration === undefined) return
      const look = () => void registration.update().catch(() => undefined)
      setInterval(look, LOOK_EVERY_MS)
      document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && look())
    },
  })
}
