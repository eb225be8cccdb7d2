import { useState } from 'preact/hooks'
import { RUN_STATES, type RunSummary } from '../../../shared/contract/pipelines.ts'
import type { PipelineSummary } from '../../../shared/contract/pipelines.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { durationText } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo, place, setQuery } from '../location.ts'
import { now } from '../now.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { FoundRuns, RunSearchField, useRunSearch } from '../run-search.tsx'
import { api, may } from '../session.ts'
import { StartRunDialog } from '../start-run-dialog.tsx'
import { RunState } from '../state-looks.tsx'
import { RunLink } from '../run-link.tsx'

/** From start to end, or to now while it runs. */
export const runDuration = (run: { started: number | null; ended: number | null }): string =>
  run.started === null ? '–' : durationText(Math.max(0, (run.ended ?? now.value) - run.started))

const isState = (text: string | null): text is RunSummary['state'] => RUN_STATES.some((state) => state === text)

export function RunsPage() {
  const chosen = place.value.query.get('state')
  const state = isState(chosen) ? chosen : undefined
  const [older, setOlder] = useState<readonly RunSummary[]>([])
  const [cursor, setCursor] = useState<string | null>()
  const [starting, setStarting] = useState<PipelineSummary>()
  const query = { limit: '50', ...(state === undefined ? {} : { state }) }
  const runs = useResource(`runs ${state}`, (signal) => api('runs.list', { query }, { signal }), ofType('run'))
  const pipelines = useResource('pipelines', (signal) => api('pipelines.list', {}, { signal }), ofType('run'))
  const more = async (next: string) => {
    const page = await api('runs.list', { query: { ...query, cursor: next } })
    setOlder([...older, ...page.items])
    setCursor(page.next)
  }
  const filter = place.value.query.get('filter') ?? ''
  // the state as one more condition, after what was written: places in it stay where they are
  const search = filter === '' || state === undefined ? filter : `${filter} and attributes.state = '${state}'`
  const found = useRunSearch(search)
  const show = (choice: { state?: string | undefined; filter: string }) => {
    setOlder([])
    setCursor(undefined)
    setQuery({
      ...(isState(choice.state ?? null) ? { state: choice.state ?? '' } : {}),
      ...(choice.filter === '' ? {} : { filter: choice.filter }),
    })
  }
  return (
    <Page title="Runs" lead="Each run of a pipeline: what started it, how it went, what came out.">
      <Card title="Pipelines">
        <Loaded resource={pipelines} lines={2}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="runs" title="No pipeline defined" />
            ) : (
              <Table label="Pipelines" rows={items} rowKey={(pipeline) => pipeline.name} columns={pipelineColumns(setStarting)} />
            )
          }
        </Loaded>
      </Card>
      <Card
        title="Runs"
        actions={
          <select
            class="select"
            aria-label="State of the runs shown"
            value={state ?? ''}
            onChange={(event) => show({ state: event.currentTarget.value, filter })}
          >
            <option value="">All states</option>
            {RUN_STATES.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        }
      >
        <div class="stack">
          <RunSearchField key={filter} filter={filter} error={found.error} onSearch={(text) => show({ state, filter: text })} />
          {filter === '' ? (
            <Loaded resource={runs}>
              {({ items, next }) => {
                const seen = new Set(items.map((run) => run.id))
                const rows = [...items, ...older.filter((run) => !seen.has(run.id))]
                const nextCursor = cursor === undefined ? next : cursor
                return rows.length === 0 ? (
                  <Empty icon="runs" title={state === undefined ? 'No runs yet' : `No run is ${state}`} />
                ) : (
                  <div class="stack">
                    <RunTable rows={rows} />
                    {nextCursor === null ? null : (
                      <div>
                        <Button onClick={() => void more(nextCursor)}>Show older runs</Button>
                      </div>
                    )}
                  </div>
                )
              }}
            </Loaded>
          ) : (
            <FoundRuns filter={search} resource={found} />
          )}
        </div>
      </Card>
      {starting === undefined ? null : <StartRunDialog pipeline={starting} onClose={() => setStarting(undefined)} />}
    </Page>
  )
}

export const RunTable = ({ rows }: { rows: readonly RunSummary[] }) => (
  <Table
    label="Runs"
    rows={rows}
    rowKey={(run) => run.id}
    columns={[
      {
        title: 'Run',
        cell: (run) => <RunLink run={run.id} />,
      },
      { title: 'Pipeline', cell: (run) => run.pipeline },
      { title: 'State', cell: (run) => <RunState state={run.state} /> },
      {
        title: 'Trigger',
        cell: (run) => (
          <>
            <Badge>{run.trigger.kind}</Badge> <span class="muted">{run.trigger.reason}</span>
          </>
        ),
      },
      { title: 'Duration', right: true, cell: (run) => <span class="nowrap">{runDuration(run)}</span> },
      { title: 'Created', cell: (run) => <Ago at={run.created} /> },
    ]}
  />
)

const pipelineColumns = (onStart: (pipeline: PipelineSummary) => void) => [
  {
    title: 'Pipeline',
    cell: (pipeline: PipelineSummary) => (
      <>
        <a href={linkTo(['pipelines', pipeline.name])}>
          <strong>{pipeline.name}</strong>
        </a>
        <div class="muted">{pipeline.description}</div>
      </>
    ),
  },
  {
    title: 'Triggers',
    cell: (pipeline: PipelineSummary) => (
      <span class="row">
        {pipeline.triggers.map((trigger) => (
          <Badge key={trigger.kind} tone={trigger.enabled ? 'accent' : 'neutral'}>
            {trigger.kind}
            {trigger.enabled ? '' : ' off'}
          </Badge>
        ))}
      </span>
    ),
  },
  {
    title: 'Last run',
    cell: (pipeline: PipelineSummary) => (pipeline.lastRun === null ? '–' : <RunState state={pipeline.lastRun.state} />),
  },
  {
    title: 'Actions',
    cell: (pipeline: PipelineSummary) => (
      <Button
        icon="play"
        disabled={!may('editor')}
        title={may('editor') ? undefined : 'Needs a key with the editor scope'}
        onClick={() => onStart(pipeline)}
        aria-label={`Start ${pipeline.name}`}
      >
        Start
      </Button>
    ),
  },
]
