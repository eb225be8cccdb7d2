import { useState } from 'preact/hooks'
import { ALERT_KINDS, type Alert } from '../../../shared/contract/monitoring.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { showToast } from '../../ui/toasts.tsx'
import { countAlerts } from '../alert-watch.ts'
import { Loaded } from '../loaded.tsx'
import { place, setQuery } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api, may } from '../session.ts'
import { Severity } from '../state-looks.tsx'

const isKind = (text: string | null): text is Alert['kind'] => ALERT_KINDS.some((kind) => kind === text)

export function AlertsPage() {
  const chosen = place.value.query.get('kind')
  const kind = isKind(chosen) ? chosen : undefined
  const alerts = useResource(
    `alerts ${kind}`,
    (signal) => api('alerts.list', { query: { limit: '200', ...(kind === undefined ? {} : { kind }) } }, { signal }),
    ofType('alert'),
  )
  const changed = () => {
    alerts.reload()
    void countAlerts()
  }
  return (
    <Page
      title="Alerts"
      lead="What needs a person’s eye. Acknowledging says that somebody has seen it; it changes nothing else."
      actions={
        <select
          class="select"
          aria-label="Kind of the alerts shown"
          value={kind ?? ''}
          onChange={(event) => setQuery(event.currentTarget.value === '' ? {} : { kind: event.currentTarget.value })}
        >
          <option value="">All kinds</option>
          {ALERT_KINDS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      }
    >
      <Card>
        <Loaded resource={alerts}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="bell" title="No alerts">
                Drift, degradation, refused or failed runs and rollbacks appear here.
              </Empty>
            ) : (
              <ul role="list" class="list-links">
                {items.map((alert) => (
                  <AlertRow key={alert.id} alert={alert} onChange={changed} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}

function AlertRow({ alert, onChange }: { alert: Alert; onChange: () => void }) {
  const [busy, setBusy] = useState(false)
  const acknowledge = async () => {
    setBusy(true)
    try {
      await api('alerts.acknowledge', { params: { alert: alert.id } })
      onChange()
    } catch (thrown) {
      showToast({ key: 'acknowledge', tone: 'bad', text: toAppError(thrown).detail })
    }
    setBusy(false)
  }
  return (
    <li>
      <div class="stack-tight" style={{ flex: '1 1 320px' }}>
        <div class="row">
          <Severity severity={alert.severity} />
          <Badge>{alert.kind}</Badge>
          <strong>{alert.title}</strong>
        </div>
        <p class="small">{alert.detail}</p>
        <p class="small muted">
          {alert.subject} · <Ago at={alert.at} />
          {alert.acknowledged === null ? null : (
            <>
              {' · '}acknowledged by {alert.acknowledged.by}, <Ago at={alert.acknowledged.at} />
            </>
          )}
        </p>
        {Object.keys(alert.evidence).length === 0 ? null : (
          <details class="small">
            <summary>Evidence</summary>
            <pre class="code-block" tabIndex={0} role="region" aria-label={`Evidence of ${alert.title}`}>
              {JSON.stringify(alert.evidence, null, 2)}
            </pre>
          </details>
        )}
      </div>
      {alert.acknowledged === null ? (
        <Button
          icon="check"
          busy={busy}
          disabled={!may('editor')}
          onClick={() => void acknowledge()}
          aria-label={`Acknowledge: ${alert.title}`}
        >
          Acknowledge
        </Button>
      ) : null}
    </li>
  )
}
