import { Card } from '../ui/card.tsx'
import { LinePlot } from '../ui/line-plot.tsx'
import { shortId } from '../ui/value-text.ts'
import { ofType, useResource } from './resource.ts'
import { api } from './session.ts'

/** Plots of more metrics would not be looked at, and metrics beyond these are not asked for. */
const MAX_CURVES = 6
const MAX_ASKED = 30

/** Metrics that runs told over steps: a plot for each, all runs in it. Nothing where there are none. */
export function MetricCurves({ runs, metrics }: { runs: readonly string[]; metrics: readonly string[] }) {
  const asked = metrics.slice(0, MAX_ASKED)
  const curves = useResource(
    `curves ${runs.join()} ${asked.join()}`,
    async (signal) => {
      const pointsOf = async (run: string, metric: string) =>
        (await api('runs.metric', { params: { run, metric }, query: { limit: '500' } }, { signal })).items.flatMap(({ step, value }) =>
          typeof value === 'number' ? [{ step, value }] : [],
        )
      const all = await Promise.all(
        asked.map(async (metric) => ({ metric, points: await Promise.all(runs.map((run) => pointsOf(run, metric))) })),
      )
      return all.filter(({ points }) => points.some((one) => one.length > 1)).slice(0, MAX_CURVES)
    },
    ofType('run'),
  )
  if (curves.data === undefined || curves.data.length === 0) return null
  return (
    <Card title="Curves">
      <div class="stack">
        {curves.data.map(({ metric, points }) => (
          <LinePlot
            key={metric}
            label={metric}
            series={points.map((own, at) => ({ name: runs.length === 1 ? 'this run' : shortId(runs[at] ?? ''), points: own }))}
          />
        ))}
      </div>
    </Card>
  )
}
