/** Shares from 0 to 1 as horizontal bars, the largest one marked. The numbers stand beside them, so the bars are decoration. */
export function Bars({ label, items }: { label: string; items: readonly { readonly name: string; readonly share: number }[] }) {
  const top = items.reduce((best, item) => Math.max(best, item.share), 0)
  return (
    <ul class="bars" role="list" aria-label={label}>
      {items.map(({ name, share }) => (
        <li key={name} class={top > 0 && share === top ? 'bar-row bar-row-top' : 'bar-row'}>
          <span>{name}</span>
          <span class="bar-track" aria-hidden="true">
            <span class="bar-fill" style={{ display: 'block', width: `${share * 100}%` }} />
          </span>
          <span class="bar-value">{(share * 100).toFixed(1)} %</span>
        </li>
      ))}
    </ul>
  )
}
