import { numberText } from './value-text.ts'

export type LineSeries = { readonly name: string; readonly points: readonly { readonly step: number; readonly value: number }[] }

const WIDTH = 560
const HEIGHT = 180
const LEFT = 54
const RIGHT = 12
const TOP = 10
const BOTTOM = 24
const COLORS = ['--series-1', '--series-2', '--series-3', '--series-4']
/** Told apart without colours too. */
const DASHES = [undefined, '6 4', '2 3', '10 4 2 4']
/** Values read out; a curve of hundreds is told by its ends. */
const READ_OUT = 12

/** Series of one measure over a count, on the same axes. SVG that scales with its container. Points without a number are left out, and the line goes on over them. */
export function LinePlot({ label, unit = 'step', series }: { label: string; unit?: string; series: readonly LineSeries[] }) {
  const drawn = series.filter(({ points }) => points.length > 0)
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return null
  const [first, last] = ends(all.map(({ step }) => step))
  const [low, high] = ends(all.map(({ value }) => value))
  const x = (step: number) => LEFT + (last === first ? 0.5 : (step - first) / (last - first)) * (WIDTH - LEFT - RIGHT)
  const y = (value: number) => TOP + (high === low ? 0.5 : (high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  return (
    <figure class="stack-tight">
      <svg
        class="line-plot"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        style={{ width: '100%', height: 'auto' }}
        role="img"
        aria-label={`${label} by ${unit}: ${drawn.map(told).join('; ')}`}
      >
        {(high === low ? [low] : [low, high]).map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} stroke="var(--line)" />
            <text class="dag-note" x={LEFT - 8} y={y(value) + 4} text-anchor="end">
              {numberText(value)}
            </text>
          </g>
        ))}
        {drawn.map(({ name, points }, at) => (
          <g key={name}>
            <path
              d={points.map(({ step, value }, i) => `${i === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join('')}
              fill="none"
              stroke={`var(${COLORS[at % COLORS.length]})`}
              stroke-dasharray={DASHES[at % DASHES.length]}
              stroke-width="2"
              stroke-linejoin="round"
            />
            {points.length > 60
              ? null
              : points.map(({ step, value }) => (
                  <circle key={step} cx={x(step)} cy={y(value)} r="2.5" fill={`var(${COLORS[at % COLORS.length]})`} />
                ))}
          </g>
        ))}
        <text class="dag-note" x={LEFT} y={HEIGHT - 6}>{`${unit} ${first}`}</text>
        <text class="dag-note" x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">{`${unit} ${last}`}</text>
      </svg>
      <figcaption class="plot-legend">
        <strong>{label}</strong>
        {drawn.map(({ name, points }, at) => (
          <span key={name} class="plot-key">
            <svg width="22" height="6" aria-hidden="true">
              <line
                x1="0"
                x2="22"
                y1="3"
                y2="3"
                stroke={`var(${COLORS[at % COLORS.length]})`}
                stroke-dasharray={DASHES[at % DASHES.length]}
                stroke-width="3"
              />
            </svg>
            {name} <span class="plot-readout">{numberText(points.at(-1)?.value ?? 0)}</span>
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

const ends = (numbers: readonly number[]): [number, number] =>
  numbers.reduce<[number, number]>(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity])

function told({ name, points }: LineSeries): string {
  const values = points.map(({ value }) => numberText(value))
  return `${name} ${values.length > READ_OUT ? `${values.length} values from ${values[0]} to ${values.at(-1)}` : values.join(', ')}`
}
