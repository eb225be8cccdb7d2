import type { CategoricalStatistics, FeatureStatistics, NumericStatistics } from '../../shared/data/dataset-statistics.ts'
import type { Analysis } from './analyse-file.ts'
import { bytesText, counted, figure, moment, percent, short } from './figures.ts'
import { type Html, html } from './html.ts'
import { histogramChart, valuesChart } from './report-charts.ts'
import { schemaPart } from './report-schema.ts'
import { REPORT_STYLE } from './report-style.ts'

/** More charts than these make a document that no phone opens; the others stand in a table. */
const DRAWN = 300
/** Of texts that hardly repeat, as many are shown as a reader needs to see what they are. */
const EXAMPLES = 3
const NONE = html``

type Note = { readonly feature: string | null; readonly severity: 'error' | 'warning'; readonly tag: Html; readonly text: string }

/** The analysis as one HTML document that loads nothing and runs nothing. */
export function reportHtml(analysis: Analysis): string {
  const { file, format, bytes, label, statistics, schema, anomalies, mixed, suggestions } = analysis
  const { features, examples } = statistics
  const missing = features.reduce((sum, feature) => sum + feature.missing, 0)
  const summary: [string, string][] = [
    ['Rows', counted(examples)],
    ['Features', counted(features.length)],
    ['Missing values', percent(features.length === 0 || examples === 0 ? 0 : missing / (examples * features.length))],
    ['Label', label === null ? 'not named' : short(label, 40)],
    ['File', `${format}, ${bytesText(bytes)}`],
  ]
  // where a feature's card stands, for those that have one
  const places = new Map(features.slice(0, DRAWN).map(({ name }, at) => [name, at]))
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="color-scheme" content="light dark">
<title>${short(file, 100)}: data analysis</title><style>${{ markup: REPORT_STYLE }}</style></head><body>
<header><p class="quiet">Data analysis</p><h1>${file}</h1><dl class="summary">${summary.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></header>
<main>${anomalies === null ? NONE : anomaliesPart(anomalies, places)}
${notesPart('Mixed types', mixed.map(warningOf), places)}${notesPart('Suggestions', suggestions.map(warningOf), places)}
<section><h2>Features</h2><div class="cards">${features.slice(0, DRAWN).map((feature, at) => card(feature, at, analysis))}</div></section>
${features.length > DRAWN ? restPart(features.slice(DRAWN)) : NONE}${schemaPart(schema)}</main>
<footer class="quiet">Distinct values marked ≈ are estimated (standard error 6 %). Histograms of more than 10,000 rows are drawn from a sample.</footer></body></html>
`
  return document.markup
}

type Places = ReadonlyMap<string, number>

function anomaliesPart(anomalies: NonNullable<Analysis['anomalies']>, places: Places): Html {
  if (anomalies.length === 0) return html`<section><h2>Against the schema</h2><p class="good">No anomalies: the data fits.</p></section>`
  const notes = anomalies.map(({ feature, severity, name, description }) => ({
    feature,
    severity,
    tag: html`<strong>${severity === 'error' ? 'Error' : 'Warning'}</strong> <code>${name}</code>`,
    text: description,
  }))
  return notesPart(`Against the schema: ${anomalies.length} ${anomalies.length === 1 ? 'anomaly' : 'anomalies'}`, notes, places)
}

const warningOf = ({ feature, kind, advice }: { readonly feature: string; readonly kind?: string; readonly advice: string }): Note => ({
  feature,
  severity: 'warning',
  tag: kind === undefined ? NONE : html`<span class="tag">${kind}</span>`,
  text: advice,
})

/** What is said of a feature stands together, under its name, which leads to its card. */
function notesPart(title: string, notes: readonly Note[], places: Places): Html {
  if (notes.length === 0) return NONE
  const byFeature = Map.groupBy(notes.slice(0, DRAWN), ({ feature }) => feature)
  const items = Array.from(byFeature, ([feature, about]) => {
    const place = feature === null ? undefined : places.get(feature)
    const name = feature === null ? 'The data as a whole' : short(feature, 100)
    const severity = about.some((note) => note.severity === 'error') ? 'error' : 'warning'
    return html`<li class="${severity}"><h3>${place === undefined ? name : html`<a href="#f${place}">${name}</a>`}</h3>${about.map(
      ({ tag, text }) => html`<p>${tag} ${text}</p>`,
    )}</li>`
  })
  const rest = notes.length > DRAWN ? html`<p class="quiet">and ${notes.length - DRAWN} more: --json lists all</p>` : NONE
  return html`<section><h2>${title}</h2><ul class="notes">${items}</ul>${rest}</section>`
}

function card(feature: FeatureStatistics, at: number, { statistics: { examples }, label, anomalies }: Analysis): Html {
  const { name, type, missing, labelAssociation } = feature
  const facts: [string, string][] = [
    ['missing', missing === 0 ? 'none' : `${counted(missing)} (${percent(missing / examples)})`],
    ...distinctFact(feature),
    ...(labelAssociation === undefined || name === label ? [] : [['tells of the label', percent(labelAssociation)] as [string, string]]),
    ...numericFacts(feature),
  ]
  const found = (anomalies ?? []).filter((anomaly) => anomaly.feature === name)
  const tags = [
    html`<span class="tag">${type ?? 'no values'}</span>`,
    ...(name === label ? [html` <span class="tag label">label</span>`] : []),
    ...(found.length === 0 ? [] : [html` <span class="tag fault">${found.length === 1 ? 'anomaly' : `${found.length} anomalies`}</span>`]),
  ]
  return html`<article id="f${at}"><h3>${name} ${tags}</h3>
${chartOf(feature)}<dl>${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl></article>`
}

const distinctFact = ({ categorical }: FeatureStatistics): [string, string][] =>
  categorical === undefined ? [] : [['distinct', `${categorical.exact ? '' : '≈ '}${counted(categorical.unique)}`]]

function numericFacts({ type, numeric }: FeatureStatistics): [string, string][] {
  if (numeric === undefined || numeric.n === 0) return []
  const show = type === 'time' ? moment : figure
  const [quarter, median, threeQuarters] = [8, 16, 24].map((at) => show(numeric.quantiles[at] ?? Number.NaN))
  const odd = numeric.nan + numeric.posInf + numeric.negInf
  return [
    ...(type === 'time' ? [] : ([['mean ± deviation', `${figure(numeric.mean)} ± ${figure(numeric.deviation)}`]] as [string, string][])),
    ['median', median ?? ''],
    ...(type === 'time' ? [] : ([['middle half', `${quarter} to ${threeQuarters}`]] as [string, string][])),
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
  if (asValues && categorical !== undefined)
    return hardlyRepeats(categorical, count) ? examplesOf(categorical) : valuesChart(categorical, count)
  if (hasNumbers(numeric)) return histogramChart(numeric, type === 'time' ? moment : figure)
  return html`<p class="quiet">${count === 0 ? 'no values' : 'nothing to draw'}</p>`
}

/** Bars of values that stand in hardly any row would all be the same. */
const hardlyRepeats = ({ top, unique }: CategoricalStatistics, count: number): boolean =>
  unique > 2 * EXAMPLES && (top[0]?.count ?? 0) < count / 100 && unique * 2 > count

const examplesOf = ({ top, meanLength }: CategoricalStatistics): Html =>
  html`<p class="quiet">Hardly a text repeats; ${figure(Math.round(meanLength * 10) / 10)} characters on average, such as</p><ul class="examples">${top
    .slice(0, EXAMPLES)
    .map(({ value }) => html`<li>${short(value, 120)}</li>`)}</ul>`

const isMostlyNumbers = (numeric: NumericStatistics | undefined, count: number): boolean => numeric !== undefined && numeric.n * 2 > count
const hasNumbers = (numeric: NumericStatistics | undefined): numeric is NumericStatistics => numeric !== undefined && numeric.n > 0

const restPart = (features: readonly FeatureStatistics[]): Html =>
  html`<section><h2>${features.length} features more</h2><div class="wide"><table><thead><tr><th>Feature<th>Type<th>Missing<th>Mean</tr></thead><tbody>${features.map(
    ({ name, type, missing, numeric }) =>
      html`<tr><td>${short(name, 60)}<td>${type ?? '-'}<td>${missing}<td>${numeric === undefined ? '-' : figure(numeric.mean)}</tr>`,
  )}</tbody></table></div></section>`
