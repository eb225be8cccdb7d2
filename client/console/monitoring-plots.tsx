import { useMemo } from 'preact/hooks'
import type { MonitoringWindow } from '../../shared/contract/monitoring.ts'
import { Card } from '../ui/card.tsx'
import { TimeSeries } from '../ui/time-series.tsx'
import { countText, numberText, percentText } from '../ui/value-text.ts'

const PER_CENT = (value: number): string => percentText(value, 1)
const MILLISECONDS = (value: number): string => `${numberText(value)} ms`
const EFFECT = (value: number): string => value.toFixed(3)
/** Lines that one can tell apart; the features that moved most. */
const MAX_FEATURES = 5
const COLORS = ['--series-2', '--series-3', '--series-4', '--series-5', '--series-6'] as const

/** A version's windows over time: accuracy, drift, use, latency. */
export function MonitoringPlots({ windows }: { windows: readonly MonitoringWindow[] }) {
  const data = useMemo(() => plotted(windows), [windows])
  return (
    <div class="columns">
      <Card title="Accuracy" hint="From feedback, with its 95 % interval; dashed: estimated from confidence alone.">
        <TimeSeries label="Accuracy over time" times={data.times} series={data.accuracy} format={PER_CENT} range={data.accuracyRange} />
      </Card>
      <Card title="Drift" hint="Jensen-Shannon distance from the reference: the features that moved most, and the predictions.">
        <TimeSeries label="Drift over time" times={data.times} series={data.drift} format={EFFECT} />
      </Card>
      <Card title="Use" hint="Devices and predictions in each window.">
        <TimeSeries label="Predictions per window" times={data.times} series={data.predictions} format={countText} height={140} />
        <TimeSeries label="Devices per window" times={data.times} series={data.devices} format={countText} height={140} />
      </Card>
      <Card title="Latency" hint="Time of one prediction on the device.">
        <TimeSeries label="Latency over time" times={data.times} series={data.latency} format={MILLISECONDS} />
      </Card>
    </div>
  )
}

function plotted(windows: readonly MonitoringWindow[]) {
  const column = (pick: (window: MonitoringWindow) => number | null): (number | null)[] => windows.map(pick)
  const effects = new Map<string, (number | null)[]>()
  const names = new Set(windows.flatMap((window) => window.features.map(({ feature }) => feature)))
  // before there is enough to judge, an effect is mostly noise: a gap, not a point
  for (const name of names)
    effects.set(
      name,
      column((window) => judged(window.features.find(({ feature }) => feature === name))),
    )
  const most = [...effects].sort(([, a], [, b]) => largest(b) - largest(a)).slice(0, MAX_FEATURES)
  const lowest = Math.min(1, ...windows.flatMap(({ accuracy, estimated }) => [accuracy.low ?? 1, estimated.value ?? 1]))
  return {
    times: windows.map(({ to }) => to),
    accuracy: [
      {
        name: 'Accuracy',
        color: '--series-1',
        values: column((w) => w.accuracy.value),
        low: column((w) => w.accuracy.low),
        high: column((w) => w.accuracy.high),
      },
      { name: 'Estimated', color: '--series-2', values: column((w) => w.estimated.value), dashed: true },
    ],
    accuracyRange: [Math.max(0, Math.floor((lowest - 0.02) * 20) / 20), 1] as const,
    drift: [
      { name: 'predictions', color: '--series-1', values: column((w) => judged(w.predictionDrift)) },
      ...most.map(([name, values], at) => ({ name, color: COLORS[at] ?? '--series-2', values })),
    ],
    predictions: [{ name: 'Predictions', color: '--series-1', values: column((w) => w.predictions) }],
    devices: [{ name: 'Devices', color: '--series-4', values: column((w) => w.devices) }],
    latency: [
      { name: 'Median', color: '--series-1', values: column((w) => w.latencyMs.p50) },
      { name: '95th percentile', color: '--series-2', values: column((w) => w.latencyMs.p95), dashed: true },
    ],
  }
}

const judged = (drift: MonitoringWindow['predictionDrift'] | undefined): number | null =>
  drift === undefined || drift.status === 'insufficient' ? null : drift.distance
const largest = (values: readonly (number | null)[]): number => Math.max(0, ...values.filter((value) => value !== null))
