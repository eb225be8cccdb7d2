import { effect, signal } from '@preact/signals'
import { Button } from './button.tsx'
import type { IconName } from './icons.tsx'

const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]
const STORAGE_KEY = 'shoal-theme'

const isTheme = (text: string | null): text is Theme => THEMES.some((theme) => theme === text)

function stored(): Theme {
  try {
    const text = localStorage.getItem(STORAGE_KEY)
    return isTheme(text) ? text : 'system'
  } catch {
    // storage may be forbidden; the system's choice holds then
    return 'system'
  }
}

const theme = signal<Theme>(stored())

/** Changes whenever the colours on screen may have changed, for what is painted rather than styled. */
export const schemeChanges = signal(0)

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
  schemeChanges.value = schemeChanges.peek() + 1
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  schemeChanges.value++
})

const LOOK: Record<Theme, { icon: IconName; next: Theme; label: string }> = {
  system: { icon: 'system', next: 'light', label: 'Colours follow the system. Switch to light' },
  light: { icon: 'sun', next: 'dark', label: 'Light colours. Switch to dark' },
  dark: { icon: 'moon', next: 'system', label: 'Dark colours. Follow the system' },
}

/** Goes round system, light, dark. */
export const ThemeToggle = () => {
  const { icon, next, label } = LOOK[theme.value]
  const choose = () => {
    theme.value = next
    try {
      localStorage.setItem(STORAGE_KEY, next)
    } catch {
      // not remembered, but applied
    }
  }
  return <Button kind="quiet" icon={icon} aria-label={label} title={label} onClick={choose} />
}

/** The value of a design token as the browser computes it now: `colorOf('--accent')`. */
export function colorOf(token: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  probe.hidden = true
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
