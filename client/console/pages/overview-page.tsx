import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { percentText, plural } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'
import { DriftState, RolloutState, RunState, Severity } from '../state-looks.tsx'
import { Aliases } from './models-page.tsx'

/** Rows of each list on this page. */
const FEW = 5

/** The whole loop at a glance: models and how they do, rollouts, runs, alerts. */
export function OverviewPage() {
  const models = useResource('models', (signal) => api('models.list', {}, { signal }), ofType('version', 'alias'))
  const rollouts = useResource('rollouts', (signal) => api('rollouts.list', {}, { signal }), ofType('rollout'))
  const runs = useResource('latest runs', (signal) => api('runs.list', { query: { limit: String(FEW) } }, { signal }), ofType('run'))
  const alerts = useResource('latest alerts', (signal) => api('alerts.list', { query: { limit: '50' } }, { signal }), ofType('alert'))
  return (
    <Page title="Overview">
      <Card title="Models" actions={<a href={linkTo(['models'])}>All models</a>}>
        <Loaded resource={models}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="models" title="No models yet">
                The first pipeline run registers one.
              </Empty>
            ) : (
              <ul role="list" class="list-links">
                {items.map((model) => (
                  <ModelRow key={model.name} name={model.name} aliases={model.aliases} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
      <div class="columns columns-narrow">
        <Card title="Rollouts" actions={<a href={linkTo(['rollouts'])}>All rollouts</a>}>
          <Loaded resource={rollouts}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty icon="branch" title="No rollout yet" />
              ) : (
                <ul role="list" class="list-links">
                  {items.slice(0, FEW).map((rollout) => (
                    <li key={rollout.id}>
                      <a href={linkTo(['rollouts', rollout.id])}>
                        {rollout.model} v{rollout.stable} → v{rollout.candidate}
                      </a>
                      <span class="row">
                        <span class="small muted numeric">{percentText(rollout.share, 0)} of devices</span>
                        <RolloutState state={rollout.state} />
                      </span>
                    </li>
                  ))}
                </ul>
              )
            }
          </Loaded>
        </Card>
        <Card title="Latest runs" actions={<a href={linkTo(['runs'])}>All runs</a>}>
          <Loaded resource={runs}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty icon="runs" title="No run yet" />
              ) : (
                <ul role="list" class="list-links">
                  {items.map((run) => (
                    <li key={run.id}>
                      <span class="row">
                        <a href={linkTo(['runs', run.id])}>{run.pipeline}</a>
                        <Badge>{run.trigger.kind}</Badge>
                      </span>
                      <span class="row small muted">
                        <Ago at={run.created} />
                        <RunState state={run.state} />
                      </span>
                    </li>
                  ))}
                </ul>
              )
            }
          </Loaded>
        </Card>
        <Card title="Open alerts" actions={<a href={linkTo(['alerts'])}>All alerts</a>}>
          <Loaded resource={alerts}>
            {({ items }) => {
              const open = items.filter((alert) => alert.acknowledged === null)
              return open.length === 0 ? (
                <Empty icon="check" title="Nothing needs attention" />
              ) : (
                <ul role="list" class="list-links">
                  {open.slice(0, FEW).map((alert) => (
                    <li key={alert.id}>
                      <span>{alert.title}</span>
                      <span class="row small muted">
                        <Ago at={alert.at} />
                        <Severity severity={alert.severity} />
                      </span>
                    </li>
                  ))}
                </ul>
              )
            }}
          </Loaded>
        </Card>
      </div>
    </Page>
  )
}

function ModelRow({ name, aliases }: { name: string; aliases: Readonly<Record<string, number>> }) {
  const monitoring = useResource(
    `monitoring ${name}`,
    (signal) => api('monitoring.windows', { params: { model: name } }, { signal }),
    ofType('report', 'monitoring'),
  )
  const latest = monitoring.data?.current ?? monitoring.data?.windows.at(-1)
  const worst = latest && [latest.predictionDrift, ...latest.features].find(({ status }) => status === 'drift' || status === 'watch')
  return (
    <li>
      <span class="row">
        <a href={linkTo(['models', name])}>
          <strong>{name}</strong>
        </a>
        <Aliases aliases={aliases} />
      </span>
      {latest === undefined ? (
        <span class="small muted">{monitoring.data === undefined ? '…' : 'no reports yet'}</span>
      ) : (
        <a class="row small" href={linkTo(['monitoring', name])}>
          <span class="numeric">
            {latest.accuracy.value === null
              ? `estimated accuracy ${percentText(latest.estimated.value, 1)}`
              : `accuracy ${percentText(latest.accuracy.value, 1)}`}
          </span>
          <span class="muted">{plural(latest.devices, 'device')}</span>
          <DriftState status={worst?.status ?? latest.predictionDrift.status} />
        </a>
      )}
    </li>
  )
}
