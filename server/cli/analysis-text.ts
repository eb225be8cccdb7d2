import type { FeatureStatistics } from '../../shared/data/dataset-statistics.ts'
import type { Analysis } from '../analysis/analyse-file.ts'
import { figure, moment, percent, short } from '../analysis/figures.ts'
import type { Column } from './table.ts'

type Row = FeatureStatistics & { readonly share: number; readonly notes: string }

/** One line a feature. */
export function analysisTable({ statistics: { features, examples }, label, suggestions, mixed }: Analysis): {
  rows: Row[]
  columns: Column<Row>[]
} {
  const notes = new Map<string, string[]>()
  for (const { feature, kind } of [...suggestions, ...mixed.map((each) => ({ ...each, kind: 'mixed types' }))])
    notes.set(feature, [...(notes.get(feature) ?? []), kind])
  const rows = features.map((feature) => ({
    ...feature,
    share: examples === 0 ? 0 : feature.missing / examples,
    notes: [...(feature.name === label ? ['label'] : []), ...(notes.get(feature.name) ?? [])].join(', '),
  }))
  const columns: Column<Row>[] = [
    { title: 'FEATURE', value: ({ name }) => short(name, 40) },
    { title: 'TYPE', value: ({ type }) => type ?? '-' },
    { title: 'MISSING', value: ({ share }) => percent(share), right: true },
    { title: 'DISTINCT', value: distinctText, right: true },
    { title: 'VALUES', value: (row) => short(valuesText(row), 60) },
    { title: 'NOTES', value: (row) => row.notes },
  ]
  return { rows, columns }
}

const distinctText = ({ categorical }: FeatureStatistics): string =>
  categorical === undefined ? '-' : `${categorical.exact ? '' : '~'}${categorical.unique}`

function valuesText({ type, numeric, categorical, image }: FeatureStatistics): string {
  if (image !== undefined) return image.shapes.map(({ height, width }) => `${height} x ${width} pixels`).join(', ')
  if (numeric !== undefined && numeric.n > 0 && type !== 'string') {
    if (type === 'time') return `${moment(numeric.min)} to ${moment(numeric.max)}`
    return `${figure(numeric.min)} to ${figure(numeric.max)}, mean ${figure(numeric.mean)} ± ${figure(numeric.deviation)}`
  }
  return (categorical?.top ?? [])
    .slice(0, 4)
    .map(({ value, count }) => `${short(value, 20)} (${count})`)
    .join(', ')
}

/** What follows the table: anomalies, mixed types, suggestions, and how much was read. */
export function notesText({ file, statistics, anomalies, mixed, suggestions }: Analysis): string[] {
  const part = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]
  return [
    ...part(
      'Anomalies',
      (anomalies ?? []).map(({ severity, name, description }) => `${severity} ${name}: ${description}`),
    ),
    ...part(
      'Mixed types',
      mixed.map(({ feature, advice }) => `${feature}: ${advice}`),
    ),
    ...part(
      'Suggestions',
      suggestions.map(({ feature, advice }) => `${feature} ${advice}`),
    ),
    '',
    `${file}: ${statistics.examples} rows, ${statistics.features.length} features${anomalies === null ? '' : `, ${anomalies.length === 0 ? 'fits the schema' : `anomalies: ${anomalies.length}`}`}`,
  ]
}
