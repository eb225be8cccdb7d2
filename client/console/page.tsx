import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { Icon } from '../ui/icons.tsx'
import { agoText, exactTimeText } from '../ui/value-text.ts'
import { now } from './now.ts'

type PageProps = {
  readonly title: string
  /** What stands above this page: name and link. */
  readonly above?: { readonly name: string; readonly href: string }
  /** Beside the title: badges. */
  readonly badges?: ComponentChildren
  readonly lead?: ComponentChildren
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

/** Heading and content of one place. */
export function Page({ title, above, badges, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Shoal`
  }, [title])
  return (
    <div class="stack page">
      <header class="page-head">
        <div class="stack-tight">
          {above === undefined ? null : (
            <nav class="crumbs" aria-label="Breadcrumb">
              <a href={above.href}>{above.name}</a>
              <Icon name="chevron" size={12} />
            </nav>
          )}
          <div class="row">
            <h1 tabIndex={-1}>{title}</h1>
            {badges}
          </div>
          {lead === undefined ? null : <p class="muted">{lead}</p>}
        </div>
        {actions === undefined ? null : <div class="row">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

/** A moment, as how long ago it was; the exact time on hover and for assistive technology. */
export const Ago = ({ at }: { at: number }) => (
  <time class="nowrap" dateTime={new Date(at).toISOString()} title={exactTimeText(at)}>
    {agoText(at, now.value)}
  </time>
)
