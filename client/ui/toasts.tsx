import { signal } from '@preact/signals'
import { Button } from './button.tsx'

export type Toast = {
  readonly key: string
  readonly text: string
  readonly tone?: 'info' | 'good' | 'warn' | 'bad'
  readonly action?: { readonly label: string; readonly run: () => void }
  /** Milliseconds until it goes by itself; without it, it stays until dismissed. */
  readonly lasts?: number
}

const toasts = signal<readonly Toast[]>([])

/** Shows a toast; one with the same key is replaced. */
export function showToast(toast: Toast): void {
  toasts.value = [...toasts.peek().filter((other) => other.key !== toast.key), toast]
  if (toast.lasts !== undefined) setTimeout(() => toasts.value.includes(toast) && dismissToast(toast.key), toast.lasts)
}

export function dismissToast(key: string): void {
  toasts.value = toasts.value.filter((toast) => toast.key !== key)
}

/** Where toasts appear: a polite live region, so that they are read out without taking the focus. Place it once. */
export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map((toast) => (
      <div key={toast.key} class={`toast toast-${toast.tone ?? 'info'}`}>
        <div class="toast-text">{toast.text}</div>
        {toast.action === undefined ? null : (
          <Button
            onClick={() => {
              dismissToast(toast.key)
              toast.action?.run()
            }}
          >
            {toast.action.label}
          </Button>
        )}
        <Button kind="quiet" icon="close" aria-label="Dismiss" onClick={() => dismissToast(toast.key)} />
      </div>
    ))}
  </div>
)
