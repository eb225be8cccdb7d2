import { must } from '../../../shared/core/assert.ts'
import type { SplitExamples } from './split-examples.ts'

/** Values of one column that are looked at, most rows first: a column of names must not become ten thousand slices. */
const MAX_SLICES = 200

export type Slice = { readonly name: string; readonly rows: Int32Array }
export type Slicing = {
  readonly slices: readonly Slice[]
  /** By columns (`region`, `region & weekday`): slices that were too small, or too many. */
  readonly passedOver: Readonly<Record<string, number>>
}

export type SlicingOptions = {
  readonly labels: readonly string[]
  /** Which columns, alone or crossed; each of the split's groups alone when absent. */
  readonly by?: readonly (readonly string[])[] | undefined
  /** Slices with fewer rows are passed over: their figures are noise. */
  readonly minRows: number
}

/** A split cut by true label and by the values of columns, alone or crossed. Rows without a value in a column are in no slice of it. */
export function slicesOf(split: SplitExamples, { labels, by, minRows }: SlicingOptions): Slicing {
  const slices: Slice[] = []
  const passedOver: Record<string, number> = {}
  const cut = (kind: string, nameOf: (row: number) => string | undefined, least: number) => {
    const found = new Map<string, number[]>()
    for (let row = 0; row < split.labels.length; row++) {
      const name = nameOf(row)
      if (name === undefined) continue
      const rows = found.get(name)
      if (rows === undefined) found.set(name, [row])
      else rows.push(row)
    }
    const largest = [...found].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
    const kept = largest.filter(([, rows], at) => at < MAX_SLICES && rows.length >= least)
    if (kept.length < largest.length) passedOver[kind] = largest.length - kept.length
    slices.push(...kept.map(([name, rows]) => ({ name, rows: Int32Array.from(rows) })).sort((a, b) => (a.name < b.name ? -1 : 1)))
  }
  if (labels.length > 0) cut('label', (row) => `label=${labels[split.labels[row] ?? -1]}`, 1)
  for (const columns of by ?? Object.keys(split.groups).map((name) => [name])) {
    const values = columns.map((name) => must(split.groups[name], `column ${name}`))
    cut(
      columns.join(' & '),
      (row) =>
        values.every((column) => (column[row] ?? '') !== '')
          ? columns.map((name, i) => `${name}=${values[i]?.[row]}`).join(' & ')
          : undefined,
      minRows,
    )
  }
  return { slices, passedOver }
}
