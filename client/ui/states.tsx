import type { ComponentChildren } from 'preact'
import type { AppError } from '../../shared/core/errors.ts'
import { Button } from './button.tsx'
import { Icon, type IconName } from './icons.tsx'

/** Nothing there yet: what would stand here and how it gets here. */
export const Empty = ({ icon = 'info', title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <Icon name={icon} size={28} />
    <strong>{title}</strong>
    {children === undefined ? null : <p class="small">{children}</p>}
  </div>
)

/** Grey lines in place of what is being fetched. */
export const Loading = ({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }) => (
  <div class="stack-tight" role="status" aria-label={label}>
    {Array.from({ length: lines }, (_, line) => (
      <div key={line} class="skeleton" style={{ width: `${92 - ((line * 17) % 40)}%` }} />
    ))}
  </div>
)

type NoticeProps = { tone?: 'info' | 'good' | 'warn' | 'bad'; children: ComponentChildren; actions?: ComponentChildren }

/** A remark that stays in the page. */
export const Notice = ({ tone = 'info', children, actions }: NoticeProps) => (
  <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
    <Icon name={tone === 'good' ? 'check' : tone === 'info' ? 'info' : 'alert'} size={18} />
    <div class="notice-body">{children}</div>
    {actions}
  </div>
)

/** A failure: what happened, its code, where, and a way to try again where that can help. */
export const ErrorNotice = ({ error, onRetry }: { error: AppError; onRetry?: () => void }) => (
  <Notice tone="bad" actions={onRetry === undefined ? undefined : <Button onClick={onRetry}>Try again</Button>}>
    <strong>{error.detail === '' ? error.message : error.detail}</strong>
    <div class="muted">
      Code <code>{error.code}</code>
    </div>
    {error.issues.length === 0 ? null : (
      <ul>
        {error.issues.map((issue) => (
          <li key={issue.where}>
            <code>{issue.where}</code> {issue.what}
          </li>
        ))}
      </ul>
    )}
  </Notice>
)
