import { useState } from 'preact/hooks'
import type { SchemaVersion } from '../../../shared/contract/schemas.ts'
import { changeText } from '../../../shared/data/schema-diff.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { type SchemaAction, SchemaDialog } from '../schema-dialog.tsx'
import { api, may } from '../session.ts'
import { StoppedRuns } from '../stopped-runs.tsx'

const TONES: Record<SchemaVersion['state'], Tone> = { proposed: 'info', accepted: 'good', rejected: 'bad', superseded: 'neutral' }

/** What the rows of a dataset have to look like, now and before; proposals wait here for somebody to look at them. */
export function SchemasPage({ dataset }: { dataset: string }) {
  const [action, setAction] = useState<SchemaAction>()
  const versions = useResource(`schemas ${dataset}`, (signal) => api('schemas.list', { params: { dataset } }, { signal }), ofType('schema'))
  return (
    <Page
      title={`Schema of ${dataset}`}
      above={{ name: 'Datasets', href: linkTo(['datasets']) }}
      lead="A run stops where its data does not fit the accepted schema. Mend the data, or accept a schema that says what is right now, and resume the run."
      actions={
        <Button icon="play" disabled={!may('editor')} onClick={() => setAction({ kind: 'infer' })}>
          Propose from newest rows
        </Button>
      }
    >
      <StoppedRuns dataset={dataset} />
      <Loaded resource={versions}>
        {({ items }) =>
          items.length === 0 ? (
            <Card>
              <Empty icon="data" title="No schema yet">
                Propose the one that the newest rows show, and look it over.
              </Empty>
            </Card>
          ) : (
            <>
              {items.map((version) => (
                <VersionCard key={version.version} version={version} onAction={setAction} />
              ))}
            </>
          )
        }
      </Loaded>
      {action === undefined ? null : (
        <SchemaDialog dataset={dataset} action={action} onDone={versions.reload} onClose={() => setAction(undefined)} />
      )}
    </Page>
  )
}

function VersionCard({ version, onAction }: { version: SchemaVersion; onAction: (action: SchemaAction) => void }) {
  const { state, changes, proposed, decided } = version
  const name = `version ${version.version}`
  return (
    <Card
      title={
        <>
          Version {version.version} <Badge tone={TONES[state]}>{state}</Badge>
        </>
      }
      actions={
        state !== 'proposed' ? undefined : (
          <>
            <Button
              kind="primary"
              icon="check"
              aria-label={`Accept ${name}`}
              disabled={!may('editor')}
              onClick={() => onAction({ kind: 'accept', version })}
            >
              Accept
            </Button>
            <Button
              icon="close"
              aria-label={`Reject ${name}`}
              disabled={!may('editor')}
              onClick={() => onAction({ kind: 'reject', version })}
            >
              Reject
            </Button>
          </>
        )
      }
    >
      <div class="stack">
        <p>
          Proposed <Ago at={proposed.at} /> by {proposed.by}: {proposed.reason}
        </p>
        {decided === null ? null : (
          <p>
            {state === 'rejected' ? 'Rejected' : 'Accepted'} <Ago at={decided.at} /> by {decided.by}: {decided.reason}
          </p>
        )}
        <ChangeList version={version} />
        {changes.length === 0 ? null : (
          <details class="small">
            <summary>Whole schema</summary>
            <pre class="code-block" tabIndex={0} role="region" aria-label={`Schema ${name}`}>
              {JSON.stringify(version.schema, null, 2)}
            </pre>
          </details>
        )}
      </div>
    </Card>
  )
}

const ChangeList = ({ version: { changes } }: { version: SchemaVersion }) =>
  changes.length === 0 ? (
    <p class="small muted">Changes nothing.</p>
  ) : (
    <ul class="small" style={{ overflowWrap: 'anywhere' }}>
      {changes.slice(0, 50).map((change) => (
        <li key={`${change.feature} ${change.part}`}>{changeText(change)}</li>
      ))}
      {changes.length > 50 ? <li>and {changes.length - 50} more</li> : null}
    </ul>
  )
