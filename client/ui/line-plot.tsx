import { numberText } from './value-text.ts'

export type LineSeries = { readonly name: string; readonly color: string; readonly values: readonly (number | null)[] }

const WIDTH = 560
const HEIGHT = 130
const LEFT = 54
const RIGHT = 12
const TOP = 10
const BOTTOM = 24

/** Small plots over a count (epochs), one for each series since their units differ. SVG that scales with its container. */
export const LinePlot = ({ label, unit, series }: { label: string; unit: string; series: readonly LineSeries[] }) => (
  <figure aria-label={label} class="stack-tight">
    {series.map((one) => (
      <OneLine key={one.name} unit={unit} {...one} />
    ))}
  </figure>
)

function OneLine({ name, color, values, unit }: LineSeries & { unit: string }) {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return null
  const low = Math.min(...known)
  const high = Math.max(...known)
  const x = (at: number) => LEFT + (values.length === 1 ? 0.5 : at / (values.length - 1)) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) => TOP + (high === low ? 0.5 : (high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  const points = values.flatMap((value, at) => (value === null ? [] : [{ x: x(at), y: y(value), at, value }]))
  const last = points.at(-1)
  return (
    <div>
      <div class="small">
        {name} <span class="muted numeric">{last === undefined ? '' : `${numberText(last.value)} after ${unit} ${last.at + 1}`}</span>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        style={{ width: '100%', height: 'auto' }}
        role="img"
        aria-label={`${name}: ${known.map(numberText).join(', ')}`}
      >
        {(high === low ? [low] : [low, high]).map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} stroke="var(--line)" />
            <text class="dag-note" x={LEFT - 8} y={y(value) + 4} text-anchor="end">
              {numberText(value)}
            </text>
          </g>
        ))}
        <path
          d={points.map((point, at) => `${at === 0 ? 'M' : 'L'}${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join('')}
          fill="none"
          stroke={`var(${color})`}
          stroke-width="2"
          stroke-linejoin="round"
        />
        {points.map((point) => (
          <circle key={point.at} cx={point.x} cy={point.y} r="2.5" fill={`var(${color})`} />
        ))}
        <text class="dag-note" x={LEFT} y={HEIGHT - 6}>{`${unit} 1`}</text>
        <text class="dag-note" x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">{`${unit} ${values.length}`}</text>
      </svg>
    </div>
  )
}
