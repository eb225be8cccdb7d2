import type { MonitoringWindow } from '../../../shared/contract/monitoring.ts'
import { Badge } from '../../ui/badge.tsx'
import { Card, Figure } from '../../ui/card.tsx'
import { Empty, Loading, Notice } from '../../ui/states.tsx'
import { countText, durationText, percentText, plural } from '../../ui/value-text.ts'
import { DriftTable } from '../drift-table.tsx'
import { Loaded } from '../loaded.tsx'
import { linkTo, place, setQuery } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, type Resource, useResource } from '../resource.ts'
import { api } from '../session.ts'
import { MonitoringPlots } from '../monitoring-plots.tsx'

export function MonitoringPage({ model }: { model: string | null }) {
  const models = useResource('models', (signal) => api('models.list', {}, { signal }), ofType('version', 'alias'))
  const name = model ?? models.data?.items[0]?.name
  return (
    <Page
      title="Monitoring"
      lead="What devices counted, merged. Devices send counters, never inputs."
      actions={<ModelSelect models={models} chosen={name} />}
    >
      {name === undefined ? (
        <Card>
          <Loaded resource={models}>
            {() => (
              <Empty icon="pulse" title="No models yet">
                Monitoring begins with the first version that devices run.
              </Empty>
            )}
          </Loaded>
        </Card>
      ) : (
        <ModelMonitoring name={name} key={name} />
      )}
    </Page>
  )
}

const ModelSelect = ({
  models,
  chosen,
}: {
  models: Resource<{ readonly items: readonly { readonly name: string }[] }>
  chosen: string | undefined
}) =>
  models.data === undefined || models.data.items.length === 0 ? null : (
    <select
      class="select"
      aria-label="Model"
      value={chosen}
      onChange={(event) => location.assign(linkTo(['monitoring', event.currentTarget.value]))}
    >
      {models.data.items.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  )

/** The version asked for, else that of the newest window. */
function shownVersion(windows: readonly MonitoringWindow[], current: MonitoringWindow | null): number | undefined {
  const asked = Number(place.value.query.get('version'))
  return windows.some((window) => window.version === asked) ? asked : (current?.version ?? windows.at(-1)?.version)
}

function ModelMonitoring({ name }: { name: string }) {
  const monitoring = useResource(
    `monitoring ${name}`,
    (signal) => api('monitoring.windows', { params: { model: name } }, { signal }),
    ofType('report', 'monitoring', 'alias'),
  )
  return (
    <Loaded resource={monitoring} lines={8}>
      {({ windows, current }) => {
        const version = shownVersion(current === null ? windows : [...windows, current], current)
        if (version === undefined) {
          return (
            <Card>
              <Empty icon="pulse" title="No reports yet">
                The first window appears when devices have run this model and sent what they counted.
              </Empty>
            </Card>
          )
        }
        const versions = [...new Set([...windows, ...(current === null ? [] : [current])].map((window) => window.version))].sort(
          (a, b) => b - a,
        )
        const own = windows.filter((window) => window.version === version)
        const latest = current?.version === version ? current : own.at(-1)
        // the window that is still filling belongs at the end of the lines
        const shown = latest !== undefined && !own.some((window) => window.from === latest.from) ? [...own, latest] : own
        return (
          <>
            <div class="row" role="group" aria-label="Version">
              <span class="small muted">Version</span>
              <div class="segmented">
                {versions.map((one) => (
                  <button key={one} type="button" aria-pressed={one === version} onClick={() => setQuery({ version: String(one) })}>
                    v{one}
                  </button>
                ))}
              </div>
            </div>
            {latest === undefined ? <Loading /> : <Latest window={latest} />}
            <MonitoringPlots windows={shown} />
            {latest === undefined ? null : (
              <Card
                title="Features"
                hint="Each monitored number of the input and the predictions, against the reference that the version shipped with."
              >
                <DriftTable features={[latest.predictionDrift, ...latest.features]} windows={shown} />
              </Card>
            )}
          </>
        )
      }}
    </Loaded>
  )
}

function Latest({ window }: { window: MonitoringWindow }) {
  const needMore = Math.max(0, ...window.features.map((feature) => feature.needMore), window.predictionDrift.needMore)
  const drifting = [window.predictionDrift, ...window.features].filter((feature) => feature.status === 'drift')
  const errors = Object.entries(window.errors)
  const { low, high, n, value } = window.accuracy
  return (
    <>
      {needMore > 0 ? <Notice>Not enough devices for a verdict on every feature: need {countText(needMore)} more.</Notice> : null}
      {drifting.length > 0 ? (
        <Notice tone="warn">
          <strong>Drift in {drifting.map(({ feature }) => feature).join(', ')}.</strong> {drifting[0]?.sentence}
        </Notice>
      ) : null}
      <Card
        title={`Latest window of version ${window.version}`}
        actions={
          <span class="small muted">
            until <Ago at={window.to} />
          </span>
        }
      >
        <div class="figures">
          <Figure
            label="Accuracy from feedback"
            value={percentText(value, 1)}
            note={
              value === null
                ? 'nobody has corrected or confirmed yet'
                : `${percentText(low, 1)} to ${percentText(high, 1)}, ${plural(n, 'answer')}`
            }
          />
          <Figure
            label="Estimated accuracy"
            value={percentText(window.estimated.value, 1)}
            note={
              window.estimated.error === null
                ? 'from calibrated confidence'
                : `± ${percentText(window.estimated.error, 1)}, from confidence`
            }
          />
          <Figure label="Devices" value={countText(window.devices)} note={plural(window.reports, 'report')} />
          <Figure
            label="Predictions"
            value={countText(window.predictions)}
            note={Object.entries(window.backends)
              .map(([backend, count]) => `${backend} ${countText(count)}`)
              .join(', ')}
          />
          <Figure label="Latency" value={durationText(window.latencyMs.p50)} note={`95 % under ${durationText(window.latencyMs.p95)}`} />
          <Figure label="Self rollbacks" value={countText(window.selfRollbacks)} note="devices that went back by themselves" />
        </div>
        {errors.length === 0 ? null : (
          <p class="row" style={{ marginTop: 'var(--s4)' }}>
            <span class="small muted">Errors</span>
            {errors.map(([code, count]) => (
              <Badge key={code} tone="bad">
                {code} {countText(count)}
              </Badge>
            ))}
          </p>
        )}
      </Card>
    </>
  )
}
