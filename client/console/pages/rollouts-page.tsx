import type { Rollout } from '../../../shared/contract/rollouts.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { durationText, percentText, shortId } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo, place } from '../location.ts'
import { now } from '../now.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { RolloutCard } from '../rollout-card.tsx'
import { api } from '../session.ts'
import { RolloutState } from '../state-looks.tsx'

export function RolloutsPage() {
  const model = place.value.query.get('model')
  const rollouts = useResource(
    `rollouts ${model}`,
    (signal) => api('rollouts.list', { query: model === null ? {} : { model } }, { signal }),
    ofType('rollout', 'report'),
  )
  return (
    <Page
      title="Rollouts"
      lead={
        model === null
          ? 'A new version goes to a share of the devices first. Evidence decides: on to more of them, to all, or back.'
          : `Rollouts of ${model}.`
      }
    >
      <Loaded resource={rollouts}>
        {({ items }) => {
          const running = items.filter((rollout) => rollout.state === 'running')
          return (
            <>
              {running.length === 0 ? (
                <Card title="Running now">
                  <Empty icon="branch" title="No rollout is running">
                    A pipeline’s release step starts one, and so does <code>shoal rollouts start</code>.
                  </Empty>
                </Card>
              ) : (
                running.map((rollout) => <RolloutCard key={rollout.id} id={rollout.id} />)
              )}
              <Card title="History">
                <RolloutTable rows={items.filter((rollout) => rollout.state !== 'running')} />
              </Card>
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}

const RolloutTable = ({ rows }: { rows: readonly Rollout[] }) =>
  rows.length === 0 ? (
    <Empty icon="branch" title="No rollout has ended yet" />
  ) : (
    <Table
      label="Rollouts that have ended"
      rows={rows}
      rowKey={(rollout) => rollout.id}
      columns={[
        {
          title: 'Rollout',
          cell: (rollout) => (
            <a class="mono" href={linkTo(['rollouts', rollout.id])}>
              {shortId(rollout.id)}
            </a>
          ),
        },
        { title: 'Model', cell: (rollout) => rollout.model },
        { title: 'Versions', cell: (rollout) => <span class="nowrap">{`v${rollout.stable} → v${rollout.candidate}`}</span> },
        { title: 'Outcome', cell: (rollout) => <RolloutState state={rollout.state} /> },
        { title: 'Reached', right: true, cell: (rollout) => percentText(rollout.share, 0) },
        { title: 'Decision', cell: (rollout) => (rollout.decision === null ? '–' : `${rollout.decision.reason} (${rollout.decision.by})`) },
        {
          title: 'Took',
          right: true,
          cell: (rollout) => <span class="nowrap">{durationText((rollout.ended ?? now.value) - rollout.created)}</span>,
        },
        { title: 'Began', cell: (rollout) => <Ago at={rollout.created} /> },
      ]}
    />
  )
