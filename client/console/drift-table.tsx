import type { FeatureDrift, MonitoringWindow } from '../../shared/contract/monitoring.ts'
import { Sparkline } from '../ui/sparkline.tsx'
import { Table } from '../ui/table.tsx'
import { countText } from '../ui/value-text.ts'
import { DriftState } from './state-looks.tsx'

/** The worst first; within a state by effect. */
const ORDER: readonly FeatureDrift['status'][] = ['drift', 'watch', 'ok', 'insufficient']

/** Each feature's verdict with the sentence that explains it. */
export function DriftTable({ features, windows }: { features: readonly FeatureDrift[]; windows: readonly MonitoringWindow[] }) {
  const rows = [...features].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || b.distance - a.distance)
  const past = (name: string) =>
    windows.map((window) => [window.predictionDrift, ...window.features].find(({ feature }) => feature === name)?.distance ?? null)
  return (
    <Table
      label="Drift by feature"
      rows={rows}
      rowKey={(row) => row.feature}
      columns={[
        { title: 'Feature', cell: (row) => <strong>{row.feature}</strong> },
        { title: 'Verdict', cell: (row) => <DriftState status={row.status} /> },
        { title: 'Effect', right: true, cell: (row) => (row.effect === null ? '–' : row.effect.toPrecision(2)) },
        { title: 'p', right: true, cell: (row) => (row.status === 'insufficient' ? '–' : probabilityText(row.p)) },
        { title: 'Values', right: true, cell: (row) => countText(row.n) },
        {
          title: 'Over time',
          cell: (row) => <Sparkline label={`Effect of ${row.feature} over time`} values={past(row.feature)} width={96} height={24} />,
        },
        {
          title: 'What it says',
          cell: (row) => (row.needMore > 0 ? `Not enough devices: need ${countText(row.needMore)} more. ${row.sentence}` : row.sentence),
        },
      ]}
    />
  )
}

const probabilityText = (p: number): string => (p < 0.0001 ? '< 0.0001' : p.toPrecision(2))
