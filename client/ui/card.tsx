import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

/** A titled region. `actions` stand at the right of the title, `hint` below it. */
export function Card({
  title,
  hint,
  actions,
  level = 2,
  children,
}: {
  title?: ComponentChildren
  hint?: ComponentChildren
  actions?: ComponentChildren
  level?: 2 | 3
  children: ComponentChildren
}) {
  const id = useId()
  const Heading = `h${level}` as const
  if (title === undefined) return <div class="card">{children}</div>
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <Heading id={id}>{title}</Heading>
        {actions === undefined ? null : <div class="row">{actions}</div>}
      </div>
      {hint === undefined ? null : <p class="card-hint">{hint}</p>}
      {children}
    </section>
  )
}

/** One number with its name, for the top of a page. */
export const Figure = ({ label, value, note }: { label: string; value: ComponentChildren; note?: ComponentChildren }) => (
  <div>
    <div class="figure-label">{label}</div>
    <div class="figure-value">{value}</div>
    {note === undefined ? null : <div class="small muted">{note}</div>}
  </div>
)

/** Name and value pairs. */
export const Facts = ({ items }: { items: readonly (readonly [string, ComponentChildren])[] }) => (
  <dl class="facts">{items.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} value`}>{value}</dd>])}</dl>
)
