import type { RunComparison } from '../../../shared/contract/pipelines.ts'
import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty, Notice } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { durationText, numberText, shortId } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo, place, setQuery } from '../location.ts'
import { MetricCurves } from '../metric-curves.tsx'
import { Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'
import { StepState } from '../state-looks.tsx'

/** A run beside another one of its pipeline: the one it replays, or whichever is chosen. */
export function ComparePage({ id }: { id: string }) {
  const run = useResource(`run ${id}`, (signal) => api('runs.get', { params: { run: id } }, { signal }))
  const others = useResource(
    `runs beside ${id} ${run.data?.pipeline}`,
    async (signal) => {
      if (run.data === undefined) return []
      const { items } = await api('runs.list', { query: { pipeline: run.data.pipeline, limit: '100' } }, { signal })
      return items.filter((one) => one.id !== id)
    },
    ofType('run'),
  )
  const other = place.value.query.get('with') ?? run.data?.replayOf ?? others.data?.[0]?.id
  return (
    <Page
      title="Compare runs"
      above={{ name: 'Run', href: linkTo(['runs', id]) }}
      badges={<code class="muted">{shortId(id)}</code>}
      actions={
        <select
          class="select"
          aria-label="Run to compare with"
          value={other ?? ''}
          onChange={(event) => setQuery({ with: event.currentTarget.value })}
        >
          {other === undefined ? <option value="">No other run</option> : null}
          {[...new Set([...(other === undefined ? [] : [other]), ...(others.data ?? []).map((one) => one.id)])].map((one) => (
            <option key={one} value={one}>
              {shortId(one)} {others.data?.find((found) => found.id === one)?.state ?? ''}
            </option>
          ))}
        </select>
      }
    >
      <Loaded resource={run} lines={6}>
        {() =>
          other === undefined ? (
            <Card>
              <Empty icon="runs" title="There is no other run of this pipeline yet" />
            </Card>
          ) : (
            <Comparison a={other} b={id} key={other} />
          )
        }
      </Loaded>
    </Page>
  )
}

function Comparison({ a, b }: { a: string; b: string }) {
  const comparison = useResource(
    `compare ${a} ${b}`,
    (signal) => api('runs.compare', { params: { run: a, other: b } }, { signal }),
    ofType('run'),
  )
  return (
    <Loaded resource={comparison} lines={6}>
      {(found) => (
        <>
          <Verdict comparison={found} />
          <Pairs title="Metrics" rows={found.metrics} a={a} b={b} />
          <MetricCurves runs={[a, b]} metrics={found.metrics.map(({ name }) => name)} />
          <Pairs title="Parameters" rows={found.params} a={a} b={b} />
          <Pairs title="Environment" rows={found.environment} a={a} b={b} />
          <Card title="Steps">
            <Table
              label="Steps"
              rows={found.steps}
              rowKey={(step) => step.name}
              columns={[
                { title: 'Step', cell: (step) => step.name },
                ...(['a', 'b'] as const).map((side) => ({
                  title: shortId(side === 'a' ? a : b),
                  cell: ({ [side]: step }: RunComparison['steps'][number]) =>
                    step === null ? (
                      '–'
                    ) : (
                      <span class="row">
                        <StepState state={step.state} />
                        {step.tookMs === null ? null : <span class="muted nowrap">{durationText(step.tookMs)}</span>}
                      </span>
                    ),
                })),
                {
                  title: 'Output',
                  cell: (step) =>
                    step.outputs.length === 0 ? (
                      '–'
                    ) : step.outputs.every(({ same }) => same) ? (
                      <Badge tone="good">same</Badge>
                    ) : (
                      <Badge tone="warn">differs</Badge>
                    ),
                },
                { title: 'What it was given', cell: (step) => (step.differences.length === 0 ? 'the same' : step.differences.join('; ')) },
              ]}
            />
          </Card>
        </>
      )}
    </Loaded>
  )
}

function Verdict({ comparison: { identical, parting, sameDefinition } }: { comparison: RunComparison }) {
  if (identical === null) return <Notice tone="info">One of the runs has not ended: there is no verdict yet.</Notice>
  if (parting === null) return <Notice tone="good">Identical: every step put out the same content.</Notice>
  return (
    <Notice tone="warn">
      <strong>
        They part at step {parting.step} ({parting.outputs.join(', ')})
      </strong>
      <ul>
        {[...(sameDefinition ? [] : ['the definitions of their pipelines differ']), ...parting.causes].map((cause) => (
          <li key={cause}>{cause}</li>
        ))}
      </ul>
    </Notice>
  )
}

const shown = (text: string | null): string =>
  text === null ? '–' : text.trim() !== '' && Number.isFinite(Number(text)) ? numberText(Number(text)) : text

function Pairs({ title, rows, a, b }: { title: string; rows: RunComparison['params']; a: string; b: string }) {
  if (rows.length === 0) return null
  return (
    <Card title={title}>
      <Table
        label={title}
        // what differs first
        rows={rows.toSorted((one, other) => Number(one.same) - Number(other.same))}
        rowKey={({ name }) => name}
        columns={[
          { title: 'Name', cell: ({ name }) => name },
          ...(['a', 'b'] as const).map((side) => ({
            title: shortId(side === 'a' ? a : b),
            cell: (pair: RunComparison['params'][number]) => <span class="break">{shown(pair[side])}</span>,
          })),
          { title: 'Verdict', cell: ({ same }) => (same ? <span class="muted">same</span> : <Badge tone="warn">differs</Badge>) },
        ]}
      />
    </Card>
  )
}
