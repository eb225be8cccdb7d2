import type { ButtonHTMLAttributes, ComponentChildren } from 'preact'
import { Icon, type IconName } from './icons.tsx'

type ButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'children' | 'disabled' | 'type' | 'class'> & {
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet'
  readonly icon?: IconName
  readonly large?: boolean
  /** Shows a spinner and takes no clicks. */
  readonly busy?: boolean
  readonly disabled?: boolean
  readonly type?: 'button' | 'submit'
  readonly class?: string
  readonly children?: ComponentChildren
}

/** A push button. With only an icon, pass `aria-label`. */
export function Button({
  kind = 'plain',
  icon,
  large = false,
  busy = false,
  disabled = false,
  type = 'button',
  children,
  class: extra,
  ...rest
}: ButtonProps) {
  const classes = [
    'button',
    kind === 'plain' ? '' : `button-${kind}`,
    large ? 'button-large' : '',
    children === undefined ? 'button-icon' : '',
    extra ?? '',
  ]
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      class={classes.filter((c) => c !== '').join(' ')}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon ? <Icon name={icon} size={16} /> : null}
      {children}
    </button>
  )
}
