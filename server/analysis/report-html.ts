import type { FeatureStatistics, NumericStatistics } from '../../shared/data/dataset-statistics.ts'
import type { Analysis } from './analyse-file.ts'
import { figure, moment, percent, short } from './figures.ts'
import { type Html, html } from './html.ts'
import { histogramChart, valuesChart } from './report-charts.ts'
import { REPORT_STYLE } from './report-style.ts'

/** More charts than these make a document that no phone opens; the others stand in a table. */
const DRAWN = 300
const NONE = html``

/** The analysis as one HTML document that loads nothing and runs nothing. */
export function reportHtml(analysis: Analysis): string {
  const { file, format, bytes, label, statistics, anomalies, mixed, suggestions } = analysis
  const { features, examples } = statistics
  const missing = features.reduce((sum, feature) => sum + feature.missing, 0)
  const summary: [string, string | number][] = [
    ['Rows', examples],
    ['Features', features.length],
    ['Missing values', percent(features.length === 0 ? 0 : missing / (examples * features.length))],
    ['Label', label === null ? 'not named' : short(label, 40)],
    ['File', `${format}, ${bytes} bytes`],
  ]
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="color-scheme" content="light dark">
<title>${short(file, 100)}: data analysis</title><style>${{ markup: REPORT_STYLE }}</style></head><body>
<header><p class="quiet">Data analysis</p><h1>${file}</h1><dl class="summary">${summary.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></header>
<main>${anomalies === null ? NONE : anomaliesPart(anomalies)}
${notesPart('Mixed types', mixed)}${notesPart('Suggestions', suggestions)}
<section><h2>Features</h2><div class="cards">${features.slice(0, DRAWN).map((feature) => card(feature, analysis))}</div></section>
${features.length > DRAWN ? restPart(features.slice(DRAWN)) : NONE}</main>
<footer class="quiet">Distinct values marked ≈ are estimated (standard error 6 %). Histograms of more than 10,000 rows are drawn from a sample.</footer></body></html>
`
  return document.markup
}

const anomaliesPart = (anomalies: NonNullable<Analysis['anomalies']>): Html =>
  anomalies.length === 0
    ? html`<section><h2>Against the schema</h2><p class="good">No anomalies: the data fits.</p></section>`
    : html`<section><h2>Against the schema: ${anomalies.length} ${anomalies.length === 1 ? 'anomaly' : 'anomalies'}</h2><ul class="notes">${anomalies.map(
        ({ severity, name, description }) =>
          html`<li class="${severity}"><strong>${severity === 'error' ? 'Error' : 'Warning'}</strong> <code>${name}</code><br>${description}</li>`,
      )}</ul></section>`

function notesPart(title: string, notes: readonly { readonly feature: string; readonly kind?: string; readonly advice: string }[]): Html {
  if (notes.length === 0) return NONE
  const items = notes
    .slice(0, DRAWN)
    .map(
      ({ feature, kind, advice }) =>
        html`<li class="warning"><strong>${feature}</strong> ${kind === undefined ? NONE : html`<span class="tag">${kind}</span>`}<br>${advice}</li>`,
    )
  const rest = notes.length > DRAWN ? html`<p class="quiet">and ${notes.length - DRAWN} more: --json lists all</p>` : NONE
  return html`<section><h2>${title}</h2><ul class="notes">${items}</ul>${rest}</section>`
}

function card(feature: FeatureStatistics, { statistics: { examples }, label }: Analysis): Html {
  const { name, type, missing, labelAssociation } = feature
  const facts: [string, string][] = [
    ['missing', missing === 0 ? 'none' : `${missing} (${percent(missing / examples)})`],
    ...distinctFact(feature),
    ...(labelAssociation === undefined ? [] : [['tells of the label', percent(labelAssociation)] as [string, string]]),
    ...numericFacts(feature),
  ]
  return html`<article><h3>${name} <span class="tag">${type ?? 'no values'}</span>${name === label ? html` <span class="tag label">label</span>` : NONE}</h3>
${chartOf(feature)}<dl>${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl></article>`
}

const distinctFact = ({ categorical }: FeatureStatistics): [string, string][] =>
  categorical === undefined ? [] : [['distinct', `${categorical.exact ? '' : '≈ '}${categorical.unique}`]]

function numericFacts({ type, numeric }: FeatureStatistics): [string, string][] {
  if (numeric === undefined || numeric.n === 0) return []
  const show = type === 'time' ? moment : figure
  const odd = numeric.nan + numeric.posInf + numeric.negInf
  return [
    ...(type === 'time' ? [] : ([['mean ± deviation', `${figure(numeric.mean)} ± ${figure(numeric.deviation)}`]] as [string, string][])),
    ['median', show(numeric.quantiles[16] ?? Number.NaN)],
    ...(numeric.zeros > 0 && type !== 'time' ? [['zeros', percent(numeric.zeros / numeric.n)] as [string, string]] : []),
    ...(odd > 0 ? [['NaN, infinite', String(odd)] as [string, string]] : []),
  ]
}

function chartOf({ type, numeric, categorical, image, count }: FeatureStatistics): Html {
  if (image !== undefined) {
    const sizes = image.shapes.map(({ height, width, count: n }) => `${n} of ${height} x ${width}`).join(', ')
    const parts = Object.entries(image.features).filter(([, part]) => part.n > 0)
    return html`<p class="quiet">${sizes}</p><div class="parts">${parts.map(([part, numbers]) => html`<figure><figcaption>${part}</figcaption>${histogramChart(numbers, figure)}</figure>`)}</div>`
  }
  // few whole numbers are rather classes than a measure
  const asValues = type === 'string' ? !isMostlyNumbers(numeric, count) : categorical?.exact === true && categorical.unique <= 12
  if (asValues && categorical !== undefined) return valuesChart(categorical, count)
  if (hasNumbers(numeric)) return histogramChart(numeric, type === 'time' ? moment : figure)
  return html`<p class="quiet">${count === 0 ? 'no values' : 'nothing to draw'}</p>`
}

const isMostlyNumbers = (numeric: NumericStatistics | undefined, count: number): boolean => numeric !== undefined && numeric.n * 2 > count
const hasNumbers = (numeric: NumericStatistics | undefined): numeric is NumericStatistics => numeric !== undefined && numeric.n > 0

const restPart = (features: readonly FeatureStatistics[]): Html =>
  html`<section><h2>${features.length} features more</h2><div class="wide"><table><thead><tr><th>Feature<th>Type<th>Missing<th>Mean</tr></thead><tbody>${features.map(
    ({ name, type, missing, numeric }) =>
      html`<tr><td>${short(name, 60)}<td>${type ?? '-'}<td>${missing}<td>${numeric === undefined ? '-' : figure(numeric.mean)}</tr>`,
  )}</tbody></table></div></section>`
