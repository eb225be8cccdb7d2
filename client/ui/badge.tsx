import type { ComponentChildren } from 'preact'

export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'info' | 'accent'

/** A state in one word. The word carries the meaning; the colour only repeats it. */
export const Badge = ({
  tone = 'neutral',
  dot = false,
  live = false,
  children,
}: {
  tone?: Tone
  dot?: boolean
  live?: boolean
  children: ComponentChildren
}) => (
  <span class={`badge badge-${tone}${live ? ' badge-pulse' : ''}`}>
    {dot || live ? <span class="badge-dot" aria-hidden="true" /> : null}
    {children}
  </span>
)
