import type { ReliabilityBin } from '../../../shared/stats/reliability.ts'
import { type Html, html } from '../../analysis/html.ts'
import type { MetricsDocument } from './metrics-document.ts'

const SIZE = 220
const ROW = 20
/** Slices drawn: those that lie lowest. */
const MAX_ROWS = 40
/** Labels whose confusion is drawn, as cells would be too small. */
const MAX_LABELS = 40

const at = (x: number): string => (x * SIZE).toFixed(1)
const up = (y: number): string => ((1 - y) * SIZE).toFixed(1)
const frame = html`<path class="axis" fill="none" d="M0 0V${SIZE}H${SIZE}"/><path class="axis" stroke-dasharray="3 3" d="M0 ${SIZE}L${SIZE} 0"/>`
const square = (label: string, inside: Html | readonly Html[]): Html =>
  html`<svg viewBox="-4 -4 ${SIZE + 8} ${SIZE + 8}" role="img" aria-label="${label}">${frame}${inside}</svg>`

/** Accuracy over confidence; a dot as large as its share of the rows. */
export function reliabilityChart(bins: readonly ReliabilityBin[]): Html {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const dots = bins.map(
    ({ confidence, accuracy, count }) =>
      html`<circle fill="var(--bar)" cx="${at(confidence)}" cy="${up(accuracy)}" r="${(3 + 9 * Math.sqrt(count / total)).toFixed(1)}"><title>confidence ${confidence.toFixed(3)}, right ${accuracy.toFixed(3)}, ${count} rows</title></circle>`,
  )
  return square('Reliability', dots)
}

export const rocChart = (curves: MetricsDocument['roc']): Html =>
  square(
    'ROC curves',
    curves.map(
      ({ label, points }) =>
        html`<path fill="none" stroke="var(--bar)" d="${points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${at(x)} ${up(y)}`).join('')}"><title>${label}</title></path>`,
    ),
  )

/** Cells as dark as their share of the true label's rows. */
export function confusionChart(confusion: readonly (readonly number[])[], labels: readonly string[]): Html {
  const shown = confusion.slice(0, MAX_LABELS)
  const cell = SIZE / Math.max(1, shown.length)
  const cells = shown.flatMap((row, truth) => {
    const rows = row.reduce((sum, n) => sum + n, 0)
    return row
      .slice(0, MAX_LABELS)
      .map(
        (n, answer) =>
          html`<rect fill="var(--bar)" fill-opacity="${(rows === 0 ? 0 : n / rows).toFixed(3)}" x="${(answer * cell).toFixed(1)}" y="${(truth * cell).toFixed(1)}" width="${cell.toFixed(1)}" height="${cell.toFixed(1)}"><title>${labels[truth] ?? truth} answered as ${labels[answer] ?? answer}: ${n}</title></rect>`,
      )
  })
  return html`<svg viewBox="-1 -1 ${SIZE + 2} ${SIZE + 2}" role="img" aria-label="Confusion">${cells}<rect fill="none" class="axis" width="${SIZE}" height="${SIZE}"/></svg>`
}

/** A figure with its interval for each slice, lowest first. */
export function slicesChart(slices: MetricsDocument['slices'], name: string, overall: number): Html {
  const shown = slices
    .filter(({ figures }) => figures[name] !== undefined)
    .sort((a, b) => (a.figures[name] ?? 0) - (b.figures[name] ?? 0))
    .slice(0, MAX_ROWS)
  const top = Math.max(1e-9, overall, ...shown.flatMap(({ figures, intervals }) => [figures[name] ?? 0, intervals[name]?.high ?? 0]))
  const x = (value: number): string => (120 + (value / top) * 190).toFixed(1)
  const rows = shown.map(({ slice, figures, intervals, count }, i) => {
    const value = figures[name] ?? 0
    const { low, high } = intervals[name] ?? { low: value, high: value }
    const y = i * ROW + 12
    return html`<g><title>${slice}: ${value.toFixed(4)} of ${count}</title><text x="114" y="${y + 4}" text-anchor="end">${slice.slice(0, 20)}</text><path class="axis" d="M${x(low)} ${y}H${x(high)}"/><circle fill="var(--bar)" cx="${x(value)}" cy="${y}" r="4"/></g>`
  })
  return html`<svg viewBox="0 0 320 ${shown.length * ROW + 4}" role="img" aria-label="${name} by slice">${rows}<path class="axis" stroke-dasharray="3 3" d="M${x(overall)} 0V${shown.length * ROW}"/></svg>`
}
