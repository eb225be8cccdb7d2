import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export type PlotSeries = {
  readonly name: string
  /** A design token: `--series-1`. */
  readonly color: string
  /** One per time; null leaves a gap. */
  readonly values: readonly (number | null)[]
  /** An interval around the line. */
  readonly low?: readonly (number | null)[]
  readonly high?: readonly (number | null)[]
  readonly dashed?: boolean
}
export type PlotThreshold = { readonly name: string; readonly value: number; readonly color: string }

export type PlotSetup = {
  readonly element: HTMLElement
  readonly width: number
  readonly height: number
  readonly data: uPlot.AlignedData
  readonly series: readonly PlotSeries[]
  readonly thresholds: readonly PlotThreshold[]
  readonly range: readonly [number, number] | undefined
  readonly format: (value: number) => string
  readonly colorOf: (token: string) => string
  /** The index under the pointer, null when it leaves. */
  readonly onPoint: (index: number | null) => void
}

const hasBand = (series: PlotSeries): boolean => series.low !== undefined && series.high !== undefined

/** uPlot's columns: seconds, then for each series its line and, where it has a band, the band's upper and lower edge. */
export const plotData = (times: readonly number[], series: readonly PlotSeries[]): uPlot.AlignedData => [
  times.map((time) => time / 1000),
  ...series.flatMap((one) => (hasBand(one) ? [one.values, one.high ?? [], one.low ?? []] : [one.values]).map((values) => [...values])),
]

/** Up to this many points each one gets a dot, so that a single window is visible. */
const DOTTED_POINTS = 40
const LINE_WIDTH = 1.75

/** A plot in `element`. The caller destroys it. */
export function createPlot(setup: PlotSetup): uPlot {
  const { series, thresholds, range, format, colorOf } = setup
  const grid = { stroke: colorOf('--line'), width: 1 }
  const axis = { stroke: colorOf('--text-muted'), grid, ticks: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` }
  const lines: uPlot.Series[] = [{}]
  const bands: uPlot.Band[] = []
  for (const one of series) {
    const stroke = colorOf(one.color)
    const dots = { show: setup.data[0].length <= DOTTED_POINTS, size: 5, fill: stroke }
    lines.push({ label: one.name, stroke, width: LINE_WIDTH, points: dots, ...(one.dashed === true ? { dash: [6, 4] } : {}) })
    if (!hasBand(one)) continue
    const edge = { stroke: 'transparent', width: 0, points: { show: false } }
    bands.push({ series: [lines.length, lines.length + 1], fill: translucent(stroke) })
    lines.push(edge, edge)
  }
  const bounds = (_: uPlot, low: number | null, high: number | null): [number, number] => {
    if (range) return [range[0], range[1]]
    const values = thresholds.map(({ value }) => value)
    const from = Math.min(low ?? 0, ...values)
    const to = Math.max(high ?? 1, ...values)
    const margin = (to - from) * 0.08 || Math.abs(to) * 0.1 || 1
    return [from >= 0 ? Math.max(0, from - margin) : from - margin, to + margin]
  }
  return new uPlot(
    {
      width: setup.width,
      height: setup.height,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: { y: { range: bounds } },
      axes: [
        { ...axis, space: 80, values: (_, ticks, __, ___, step) => ticks.map((tick, at) => tickText(tick, ticks[at - 1], step)) },
        { ...axis, size: 64, space: 28, values: (_, ticks) => ticks.map(format) },
      ],
      series: lines,
      bands,
      hooks: {
        setCursor: [(plot) => setup.onPoint(plot.cursor.idx ?? null)],
        draw: [(plot) => drawThresholds(plot, thresholds, colorOf)],
      },
    },
    setup.data,
    setup.element,
  )
}

const DAY_SECONDS = 24 * 60 * 60
const tickTime = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false })
const tickSecond = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
const tickDay = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })

/** A moment in epoch seconds on the axis: the time of day, with the day below it where it is another than at the tick before. `step` is between two ticks. */
function tickText(tick: number, before: number | undefined, step: number): string {
  const day = tickDay.format(tick * 1000)
  if (step >= DAY_SECONDS) return day
  const time = (step < 60 ? tickSecond : tickTime).format(tick * 1000)
  return before !== undefined && tickDay.format(before * 1000) === day ? time : `${time}\n${day}`
}

function drawThresholds(plot: uPlot, thresholds: readonly PlotThreshold[], colorOf: (token: string) => string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.setLineDash([5, 5])
  ctx.lineWidth = 1.5 * devicePixelRatio
  for (const { value, color } of thresholds) {
    const y = plot.valToPos(value, 'y', true)
    ctx.strokeStyle = colorOf(color)
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.restore()
}

/** A computed `rgb(...)` colour, mostly transparent. */
const translucent = (color: string): string => color.replace(/^rgb\((.+)\)$/, 'rgba($1, 0.14)')
