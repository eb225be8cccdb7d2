import { type Html, html } from '../../analysis/html.ts'
import { REPORT_STYLE } from '../../analysis/report-style.ts'
import { confusionChart, reliabilityChart, rocChart, slicesChart } from './evaluation-charts.ts'
import { mainFigure, type MetricsDocument } from './metrics-document.ts'

const figure = (x: number | undefined): string => (x === undefined ? '' : String(Number(x.toPrecision(4))))
const card = (title: string, chart: Html, note: string): Html =>
  html`<article><h3>${title}</h3><figure>${chart}<figcaption>${note}</figcaption></figure></article>`

/** A page of its own with everything that was measured: figures with intervals, reliability, ROC, confusion, slices. */
export function evaluationReport(metrics: MetricsDocument): string {
  const { figures, intervals, count, training, roc, reliability, confusion, labels, slices, byLabel } = metrics
  const main = mainFigure(metrics.task).name
  const rows = Object.entries(figures).map(([name, value]) => {
    const interval = intervals[name]
    const range = interval === undefined ? '' : `${figure(interval.low)} to ${figure(interval.high)}`
    return html`<tr><td>${name}</td><td>${figure(value)}</td><td>${range}</td><td>${figure(training?.figures[name])}</td></tr>`
  })
  const labelRows = byLabel.map(
    (one) =>
      html`<tr><td>${one.label}</td><td>${one.count}</td><td>${figure(one.precision)}</td><td>${figure(one.recall)}</td><td>${figure(one.f1)}</td><td>${figure(one.rocAuc ?? undefined)}</td></tr>`,
  )
  const charts = [
    ...(reliability.length === 0
      ? []
      : [
          card(
            'Reliability',
            reliabilityChart(reliability),
            'How often answers of some confidence were right; on the diagonal where they are calibrated.',
          ),
        ]),
    ...(roc.length === 0 ? [] : [card('ROC', rocChart(roc), 'One label against the rest.')]),
    ...(confusion.length === 0 ? [] : [card('Confusion', confusionChart(confusion, labels), 'Rows are the truth, columns the answers.')]),
    ...(slices.length === 0
      ? []
      : [card(`${main} by slice`, slicesChart(slices, main, figures[main] ?? 0), 'With intervals; the line is the whole test set.')]),
  ]
  const document = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Evaluation</title>
<style>${{ markup: REPORT_STYLE }}</style></head><body><h1>Evaluation</h1>
<dl class="summary"><div><dt>Task</dt><dd>${metrics.task}</dd></div><div><dt>Test rows</dt><dd>${count}</dd></div><div><dt>${main}</dt><dd>${figure(figures[main])}</dd></div></dl>
<h2>Figures</h2><div class="wide"><table><thead><tr><th>Figure</th><th>Test</th><th>Interval</th><th>Training</th></tr></thead><tbody>${rows}</tbody></table></div>
<p class="quiet">${metrics.statement}</p>
<h2>Plots</h2><div class="cards">${charts}</div>
${labelRows.length === 0 ? html`` : html`<h2>Labels</h2><div class="wide"><table><thead><tr><th>Label</th><th>Rows</th><th>Precision</th><th>Recall</th><th>F1</th><th>ROC AUC</th></tr></thead><tbody>${labelRows}</tbody></table></div>`}
</body></html>`
  return document.markup
}
