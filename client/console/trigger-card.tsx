import { useState } from 'preact/hooks'
import { type PipelineSummary, TRIGGER_KINDS } from '../../shared/contract/pipelines.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Table } from '../ui/table.tsx'
import { Ago } from './page.tsx'
import { may } from './session.ts'
import { TriggerDialog } from './trigger-dialog.tsx'

type Kind = (typeof TRIGGER_KINDS)[number]

const ABOUT: Record<Kind, string> = {
  demand: 'somebody asks for it',
  schedule: 'a moment has come',
  'new-data': 'enough new rows or examples are there',
  degradation: 'the live version answers worse than it promised',
  drift: 'what devices meet has changed',
}

/** All five ways a run starts: which are on, with what settings; each can be tested, changed and switched. */
export function TriggerCard({ pipeline, onChange }: { pipeline: PipelineSummary; onChange: () => void }) {
  const [editing, setEditing] = useState<Kind>()
  const rows = TRIGGER_KINDS.map((kind) => ({ kind, trigger: pipeline.triggers.find((one) => one.kind === kind) }))
  return (
    <Card title="Triggers" hint={may('editor') ? undefined : 'Changing them needs a key with the editor scope.'}>
      <Table
        label="Triggers"
        rows={rows}
        rowKey={({ kind }) => kind}
        columns={[
          {
            title: 'Starts when',
            cell: ({ kind }) => (
              <>
                <strong>{kind}</strong>
                <div class="muted">{ABOUT[kind]}</div>
              </>
            ),
          },
          {
            title: 'State',
            cell: ({ trigger }) => (
              <Badge tone={trigger?.enabled ? 'accent' : 'neutral'}>
                {trigger === undefined ? 'not set' : trigger.enabled ? 'on' : 'off'}
              </Badge>
            ),
          },
          {
            title: 'Settings',
            cell: ({ trigger }) =>
              trigger === undefined || Object.keys(trigger.settings).length === 0 ? (
                '–'
              ) : (
                <code class="break">
                  {Object.entries(trigger.settings)
                    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
                    .join('  ')}
                </code>
              ),
          },
          {
            title: 'Last fired',
            cell: ({ trigger }) => (trigger === undefined || trigger.lastFired === null ? '–' : <Ago at={trigger.lastFired} />),
          },
          {
            title: 'Actions',
            cell: ({ kind }) => (
              <Button aria-label={`Test or change ${kind}`} onClick={() => setEditing(kind)}>
                Test or change
              </Button>
            ),
          },
        ]}
      />
      {editing === undefined ? null : (
        <TriggerDialog
          pipeline={pipeline.name}
          kind={editing}
          trigger={pipeline.triggers.find((one) => one.kind === editing)}
          onDone={onChange}
          onClose={() => setEditing(undefined)}
        />
      )}
    </Card>
  )
}
