import type { CategoricalStatistics, NumericStatistics } from '../../shared/data/dataset-statistics.ts'
import { fitted, percent, short } from './figures.ts'
import { type Html, html } from './html.ts'

const WIDTH = 320
const HEIGHT = 96
/** Few values have a bar each; of many the first do. */
const FEW = 12
const BARS = 5
const ROW = 22
const NAME = 116
/** As the style sheet says. */
const FONT = 12

/** The distribution of numbers as bars from the least to the greatest value; `show` writes a value of the axis. */
export function histogramChart({ histogram, min, max }: NumericStatistics, show: (value: number) => string): Html {
  const { buckets } = histogram
  const top = Math.max(...buckets.map((bucket) => bucket.count), 1)
  const step = WIDTH / Math.max(1, buckets.length)
  const bars = buckets.map(({ low, high, count }, at) => {
    // what is there is seen, however little it is
    const height = count === 0 ? 0 : Math.max(1.5, (count / top) * HEIGHT)
    return html`<rect x="${(at * step + 0.5).toFixed(2)}" y="${(HEIGHT - height).toFixed(2)}" width="${Math.max(0.5, step - 1).toFixed(2)}" height="${height.toFixed(2)}"><title>${show(low)} to ${show(high)}: ${Math.round(count)}</title></rect>`
  })
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 18}" role="img" aria-label="Histogram from ${show(min)} to ${show(max)}">
<g class="bar">${bars}</g><path class="axis" d="M0 ${HEIGHT}H${WIDTH}"/>
<text x="0" y="${HEIGHT + 14}">${show(min)}</text><text x="${WIDTH}" y="${HEIGHT + 14}" text-anchor="end">${show(max)}</text></svg>`
}

/** The most frequent values, each a bar as long as its share of all `count`; what is left in one bar more. */
export function valuesChart({ top, exact, unique }: CategoricalStatistics, count: number): Html {
  const shown = top
    .slice(0, unique <= FEW ? FEW : BARS)
    .map(({ value, count: n }) => ({ name: value === '' ? '(empty text)' : value, share: n / count, rest: false }))
  const others = unique - shown.length
  if (others > 0) {
    const share = Math.max(0, 1 - shown.reduce((sum, each) => sum + each.share, 0))
    shown.push({ name: `${exact ? '' : '≈ '}${others} others`, share, rest: true })
  }
  const longest = Math.max(...shown.map((each) => each.share), Number.EPSILON)
  const room = WIDTH - NAME - 50
  const rows = shown.map(({ name, share, rest }, at) => {
    const width = Math.max(1.5, (share / longest) * room)
    return html`<g class="${rest ? 'rest' : 'bar'}"><title>${short(name, 200)}: ${percent(share)}</title><text x="${NAME - 6}" y="${at * ROW + 15}" text-anchor="end">${fitted(name, NAME - 8, FONT)}</text>
<rect x="${NAME}" y="${at * ROW + 3}" width="${width.toFixed(2)}" height="${ROW - 6}"/><text x="${(NAME + width + 5).toFixed(2)}" y="${at * ROW + 15}">${percent(share)}</text></g>`
  })
  return html`<svg viewBox="0 0 ${WIDTH} ${shown.length * ROW}" role="img" aria-label="Most frequent values">${rows}</svg>`
}
