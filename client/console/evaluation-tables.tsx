import { Badge } from '../ui/badge.tsx'
import { Notice } from '../ui/states.tsx'
import { Table } from '../ui/table.tsx'
import { numberText } from '../ui/value-text.ts'
import type { Blessing, Slices } from './evaluation-content.ts'

/** Figures shown as columns; the rest stands in the JSON. */
const MAX_FIGURES = 3
const MAX_SLICES = 60

type Measured = Omit<Slices['slices'][number], 'slice'>

function WithInterval({ of: { figures, intervals }, name }: { of: Measured; name: string }) {
  const [value, interval] = [figures[name], intervals[name]]
  if (value === undefined) return <>–</>
  return (
    <>
      {numberText(value)}
      {interval === undefined ? null : (
        <div class="small muted nowrap">
          {numberText(interval.low)} to {numberText(interval.high)}
        </div>
      )}
    </>
  )
}

/** The test set and its slices, each figure with its interval; the smallest slices first, as they are the least sure. */
export function SliceTable({ name, slices }: { name: string; slices: Slices }) {
  // those with an interval say most
  const figures = Object.keys(slices.figures)
    .toSorted((a, b) => Number(slices.intervals[b] !== undefined) - Number(slices.intervals[a] !== undefined))
    .slice(0, MAX_FIGURES)
  const rows = [{ ...slices, slice: 'all rows' }, ...slices.slices.toSorted((a, b) => a.count - b.count).slice(0, MAX_SLICES)]
  return (
    <div class="stack">
      <Table
        label={`Slices, ${name}`}
        rows={rows}
        rowKey={({ slice }) => slice}
        columns={[
          { title: 'Slice', cell: ({ slice }) => <span class="break">{slice}</span> },
          { title: 'Rows', right: true, cell: ({ count }) => numberText(count) },
          ...figures.map((figure) => ({ title: figure, right: true, cell: (row: Measured) => <WithInterval of={row} name={figure} /> })),
        ]}
      />
      {slices.slices.length > MAX_SLICES ? <p class="small muted">and {slices.slices.length - MAX_SLICES} larger ones</p> : null}
      {slices.statement === undefined ? null : <p class="small muted">{slices.statement}</p>}
    </div>
  )
}

const shown = (value: number | null | undefined): string => (typeof value === 'number' ? numberText(value) : '–')

/** Whether it was blessed, and what each check found; those that failed first. */
export const BlessingView = ({ blessing: { blessed, reasons, checks } }: { blessing: Blessing }) => (
  <div class="stack">
    <Notice tone={blessed ? 'good' : 'bad'}>
      <strong>{blessed ? 'Blessed: every check passed' : 'Not blessed'}</strong>
      {reasons.length === 0 ? null : (
        <ul>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
    </Notice>
    {checks.length === 0 ? null : (
      <Table
        label="Checks"
        rows={checks.map((check, at) => ({ ...check, at })).toSorted((a, b) => Number(a.ok) - Number(b.ok))}
        rowKey={({ at }) => String(at)}
        columns={[
          { title: 'Check', cell: ({ metric, slice }) => (slice === null ? metric : `${metric} of ${slice}`) },
          { title: 'Against', cell: ({ against }) => against ?? 'a value' },
          { title: 'Candidate', right: true, cell: ({ candidate }) => shown(candidate) },
          { title: 'Other', right: true, cell: ({ other }) => shown(other) },
          { title: 'Verdict', cell: ({ ok }) => <Badge tone={ok ? 'good' : 'bad'}>{ok ? 'passed' : 'refused'}</Badge> },
          { title: 'Why', cell: ({ why }) => <span class="break">{why}</span> },
        ]}
      />
    )}
  </div>
)
