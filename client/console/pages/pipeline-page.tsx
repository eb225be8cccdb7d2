import { useState } from 'preact/hooks'
import type { PipelineSummary, TriggerDecision } from '../../../shared/contract/pipelines.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, Figure } from '../../ui/card.tsx'
import { Dag } from '../../ui/dag.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { durationText } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api, may } from '../session.ts'
import { StartRunDialog } from '../start-run-dialog.tsx'
import { TriggerCard } from '../trigger-card.tsx'
import { RunLink } from '../run-link.tsx'

/** One pipeline: its steps, what starts it, why it did and did not, and how far it works by itself. */
export function PipelinePage({ name }: { name: string }) {
  const params = { pipeline: name }
  const pipeline = useResource(`pipeline ${name}`, (signal) => api('pipelines.get', { params }, { signal }), ofType('run'))
  const maturity = useResource(`maturity ${name}`, (signal) => api('pipelines.maturity', { params }, { signal }), ofType('run'))
  const [starting, setStarting] = useState(false)
  return (
    <Page
      title={name}
      above={{ name: 'Pipelines', href: linkTo(['pipelines']) }}
      lead={pipeline.data?.description}
      actions={
        <Button
          icon="play"
          disabled={!may('editor') || pipeline.data === undefined}
          title={may('editor') ? undefined : 'Needs a key with the editor scope'}
          onClick={() => setStarting(true)}
        >
          Start run
        </Button>
      }
    >
      <Loaded resource={maturity} lines={3}>
        {(found) => (
          <Card title="Maturity">
            <div class="stack">
              <div class="figures">
                <Figure label="Level" value={found.level} note={LEVELS[found.level]} />
                <Figure
                  label="New data to new model"
                  value={found.newDataToNewModelMs === null ? '–' : durationText(found.newDataToNewModelMs)}
                  note={found.newDataToNewModelMs === null ? 'no run that new data started has succeeded' : 'median of the last runs'}
                />
              </div>
              <Table
                label="Maturity checks"
                rows={found.checks}
                rowKey={({ what }) => what}
                columns={[
                  { title: 'Level', right: true, cell: ({ level }) => level },
                  { title: 'What', cell: ({ what }) => what },
                  { title: 'Holds', cell: ({ holds }) => <Badge tone={holds ? 'good' : 'neutral'}>{holds ? 'yes' : 'no'}</Badge> },
                  { title: 'Why', cell: ({ why }) => why },
                ]}
              />
            </div>
          </Card>
        )}
      </Loaded>
      <Loaded resource={pipeline} lines={6}>
        {(data) => (
          <>
            <TriggerCard pipeline={data} onChange={pipeline.reload} />
            <Decisions pipeline={name} />
            <Card title="Steps">
              <Steps pipeline={data} />
            </Card>
          </>
        )}
      </Loaded>
      {starting && pipeline.data !== undefined ? <StartRunDialog pipeline={pipeline.data} onClose={() => setStarting(false)} /> : null}
    </Page>
  )
}

const LEVELS = ['started by hand', 'trained by itself', 'delivered and trained by itself']

function Steps({ pipeline }: { pipeline: PipelineSummary }) {
  const { lastRun } = pipeline
  return (
    <Dag
      label="Steps of the pipeline"
      selected={null}
      onSelect={(step) => lastRun !== null && location.assign(linkTo(['runs', lastRun.id], { step }))}
      items={pipeline.steps.map(({ name, component, componentVersion, after }) => ({
        name,
        after,
        state: component,
        tone: 'neutral',
        note: `version ${componentVersion}`,
        progress: null,
      }))}
    />
  )
}

const toneOf = ({ fired, code }: TriggerDecision) => (fired ? 'good' : code === 'invalid_input' ? 'bad' : 'neutral')

function Decisions({ pipeline }: { pipeline: string }) {
  const decisions = useResource(
    `decisions ${pipeline}`,
    (signal) => api('pipelines.decisions', { params: { pipeline }, query: { limit: '50' } }, { signal }),
    ofType('run', 'trigger', 'examples', 'span', 'monitoring'),
  )
  return (
    <Card title="Why it fired, why not" hint="Each time a trigger was considered. One that only repeats the last takes its place.">
      <Loaded resource={decisions}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="redo" title="No trigger has been considered yet" />
          ) : (
            <Table
              label="Decisions of the triggers"
              rows={items}
              rowKey={({ at, kind, code }) => `${at} ${kind} ${code}`}
              columns={[
                { title: 'When', cell: ({ at }) => <Ago at={at} /> },
                { title: 'Trigger', cell: ({ kind }) => kind },
                { title: 'Decision', cell: (decision) => <Badge tone={toneOf(decision)}>{decision.code}</Badge> },
                { title: 'Why', cell: ({ why }) => <span class="break">{why}</span> },
                {
                  title: 'Run',
                  cell: ({ run }) => (run === null ? '–' : <RunLink run={run} />),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Card>
  )
}
