import type { Tone } from './badge.tsx'
import { edgePath, layoutDag } from './dag-layout.ts'
import { must } from '../../shared/core/assert.ts'

export type DagItem = {
  readonly name: string
  /** What is written, where that is not the name. */
  readonly title?: string
  readonly after: readonly string[]
  /** State in a word, and its tone. */
  readonly state: string
  readonly tone: Tone
  /** Beside the state: a duration, a step of many. */
  readonly note: string
  /** 0 to 1 while it works; null otherwise. */
  readonly progress: number | null
}

const SIZE = { width: 216, height: 50, gapX: 16, gapY: 30 }
const EDGE = 2

/** What fits into a box. */
const MAX_TITLE = 24
const cut = (text: string): string => (text.length > MAX_TITLE ? `${text.slice(0, MAX_TITLE - 1)}…` : text)

const under = ({ state, note }: DagItem): string => (note === '' ? state : `${state} · ${note}`)

/** Steps and what they wait for. Each is a button that selects it; the list is reachable by Tab in its order. */
export function Dag({
  label,
  items,
  selected,
  onSelect,
}: {
  label: string
  items: readonly DagItem[]
  selected: string | null
  onSelect: (name: string) => void
}) {
  const layout = layoutDag(items, SIZE)
  const box = `${-EDGE} ${-EDGE} ${layout.width + 2 * EDGE} ${layout.height + 2 * EDGE}`
  return (
    <div class="dag">
      <svg width={layout.width + 2 * EDGE} height={layout.height + 2 * EDGE} viewBox={box} role="group" aria-label={label}>
        {layout.edges.map(({ from, to, points }) => (
          <path key={`${from} ${to}`} class="dag-edge" d={edgePath(points)} />
        ))}
        {items.map((item) => {
          const { x, y } = must(layout.nodes.get(item.name), item.name)
          const select = () => onSelect(item.name)
          return (
            <g
              key={item.name}
              class={`dag-node dag-${item.tone}`}
              transform={`translate(${x} ${y})`}
              role="button"
              tabIndex={0}
              aria-label={`${item.title ?? item.name} ${under(item)}`}
              aria-current={item.name === selected ? 'true' : undefined}
              onClick={select}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' && event.key !== ' ') return
                event.preventDefault()
                select()
              }}
            >
              <rect class="dag-box" width={SIZE.width} height={SIZE.height} rx="9" />
              <circle class="dag-mark" cx="18" cy={SIZE.height / 2} r="5" />
              <text class="dag-title" x="34" y="21">
                {cut(item.title ?? item.name)}
              </text>{' '}
              <text class="dag-note" x="34" y="38">
                {under(item)}
              </text>
              {item.progress === null ? null : (
                <g>
                  <rect class="dag-track" x="8" y={SIZE.height - 5} width={SIZE.width - 16} height="3" rx="1.5" />
                  <rect class="dag-fill" x="8" y={SIZE.height - 5} width={(SIZE.width - 16) * item.progress} height="3" rx="1.5" />
                </g>
              )}
            </g>
          )
        })}
      </svg>
    </div>
  )
}
