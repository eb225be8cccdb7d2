import type { ModelCard } from '../../shared/contract/model-card.ts'
import type { VersionTest } from '../../shared/contract/version-tests.ts'
import { type Html, html } from '../analysis/html.ts'
import { REPORT_STYLE } from '../analysis/report-style.ts'
import { confusionChart, reliabilityChart, slicesChart } from '../pipeline/data/evaluation-charts.ts'
import { figure } from '../analysis/figures.ts'

const facts = (items: readonly (readonly [string, string | number])[]): Html =>
  html`<dl class="summary">${items.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
const lines = (items: readonly { readonly ok: boolean; readonly why: string }[]): Html =>
  html`<ul class="notes">${items.map(({ ok, why }) => html`<li class="${ok ? '' : 'error'}"><strong>${ok ? 'passed' : 'refused'}</strong> ${why}</li>`)}</ul>`
const nothing = html`<p class="quiet">Nothing was recorded.</p>`

/** A test in a row: what failed of it, or how much was tried, and what was measured. */
function testRow({ kind, at, by, ok, checks, figures }: VersionTest): Html {
  const failed = checks.filter((one) => !one.ok)
  const told =
    failed.length === 0 && checks.length > 1
      ? `${checks.length} checks`
      : (failed.length === 0 ? checks : failed).map(({ check, what }) => `${check}: ${what}`).join('; ')
  const measured = Object.entries(figures).map(([name, value]) => `${name} ${figure(value)}`)
  const result = ok === null ? 'no result' : ok ? 'passed' : 'failed'
  return html`<tr><td>${kind}</td><td>${result}</td><td>${[told, ...measured].filter((part) => part !== '').join(', ')}</td><td>${new Date(at).toISOString().slice(0, 10)}</td><td>${by}</td></tr>`
}

function evaluationPart(evaluation: NonNullable<ModelCard['evaluation']>, labels: readonly string[]): Html {
  const { figures, intervals, statement, slices, reliability, confusion } = evaluation
  const rows = Object.entries(figures).map(([name, value]) => {
    const range = intervals[name]
    return html`<tr><td>${name}</td><td>${figure(value)}</td><td>${range === undefined ? '' : `${figure(range.low)} to ${figure(range.high)}`}</td></tr>`
  })
  const main = figures['accuracy'] !== undefined ? 'accuracy' : figures['mae'] !== undefined ? 'mae' : 'map'
  const charts = [
    ...(reliability.length === 0 ? [] : [html`<article><h3>Reliability</h3>${reliabilityChart(reliability)}</article>`]),
    ...(confusion.length === 0 ? [] : [html`<article><h3>Confusion</h3>${confusionChart(confusion, labels)}</article>`]),
    ...(slices.length === 0 ? [] : [html`<article><h3>${main} by slice</h3>${slicesChart(slices, main, figures[main] ?? 0)}</article>`]),
  ]
  return html`<div class="wide"><table><thead><tr><th>Figure</th><th>Test</th><th>Interval</th></tr></thead><tbody>${rows}</tbody></table></div><p class="quiet">${statement}</p><div class="cards">${charts}</div>`
}

/** A card as a page that needs nothing else. */
export function modelCardHtml(card: ModelCard): string {
  const { model, training, evaluation, validation, runtime, tests, limitations } = card
  const title = `${model.name} version ${model.version}`
  return html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<style>${{ markup: REPORT_STYLE }}</style></head><body><h1>${title}</h1><p>${model.description}</p>
${facts([
  ['Aliases', model.aliases.join(', ') || 'none'],
  ['Created', new Date(model.created).toISOString().slice(0, 10)],
  ['Made from', model.parent === null ? 'scratch' : `version ${model.parent}`],
  ['Parameters', model.parameters],
  ['Size', `${(model.bytes / 1024).toFixed(0)} KiB`],
  ['Manifest', model.manifest.slice(0, 16)],
])}
${model.revoked === null ? html`` : html`<ul class="notes"><li class="error"><strong>revoked</strong> ${model.revoked}</li></ul>`}
<h2>What it is not good for</h2><ul class="notes">${limitations.map((one) => html`<li class="warning">${one}</li>`)}</ul>
<h2>What it takes and answers</h2>${facts([
    ['Inputs', model.inputs.join(', ') || 'unknown'],
    ['Answers', model.labels.length === 0 ? 'a number' : model.labels.slice(0, 50).join(', ')],
    ['Layers', model.layers.join(', ') || 'unknown'],
  ])}
<h2>How good it is</h2>${evaluation === null ? nothing : evaluationPart(evaluation, model.labels)}
<h2>What it was held against</h2>${validation === null ? nothing : lines(validation.checks)}
<h2>Where it was run</h2>${runtime === null ? nothing : lines(runtime.outcomes.map(({ target, ok, why }) => ({ ok, why: `${target}: ${why}` })))}
<h2>What it was put to</h2>${
    tests.length === 0
      ? nothing
      : html`<div class="wide"><table><thead><tr><th>Test</th><th>Result</th><th>What was seen</th><th>Day</th><th>By</th></tr></thead><tbody>${tests.map(testRow)}</tbody></table></div>`
  }
<h2>What it was made from</h2>${
    training === null
      ? nothing
      : html`${facts([
          ['Run', training.run],
          ['Pipeline', `${training.pipeline} (${training.pipelineDigest.slice(0, 12)})`],
          ['Data set', training.dataset ?? 'unknown'],
          ...Object.entries(training.splits).map(([name, rows]) => [`Rows, ${name}`, rows] as const),
          ...(training.trialCount === 0 ? [] : [['Trials', training.trialCount] as const]),
        ])}<pre class="wide"><code>${JSON.stringify({ sources: training.sources, recipe: training.recipe }, null, 2)}</code></pre>`
  }
<footer class="quiet">Made from what was recorded; nothing on this page was written by hand, except description and notes. ${model.notes}</footer></body></html>`
    .markup
}
