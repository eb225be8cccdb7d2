import type { Round } from '../../../shared/contract/federation.ts'
import { Badge, type Tone } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Progress } from '../../ui/progress.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { countText, shortId } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'

const TONES: Record<Round['state'], Tone> = { open: 'info', aggregating: 'info', done: 'good', abandoned: 'warn' }

export function FederationPage() {
  const rounds = useResource('rounds', (signal) => api('rounds.list', {}, { signal }), ofType('round'))
  return (
    <Page title="Federation" lead="Rounds of training on devices: the data stays there, clipped updates come back.">
      <Card>
        <Loaded resource={rounds}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="people" title="No round yet">
                A pipeline with a federate step opens rounds.
              </Empty>
            ) : (
              <Table
                label="Rounds"
                rows={items}
                rowKey={(round) => round.id}
                columns={[
                  { title: 'Round', cell: (round) => <code>{shortId(round.id)}</code> },
                  { title: 'Model', cell: (round) => `${round.plan.model} v${round.plan.base}` },
                  {
                    title: 'State',
                    cell: (round) => (
                      <Badge tone={TONES[round.state]} live={round.state === 'open' || round.state === 'aggregating'}>
                        {round.state}
                      </Badge>
                    ),
                  },
                  {
                    title: 'Updates',
                    cell: (round) => (
                      <div class="stack-tight" style={{ minWidth: '120px' }}>
                        <span class="numeric">
                          {countText(round.accepted)} of {countText(round.wanted)}, at least {countText(round.minimum)}
                        </span>
                        <Progress label={`Updates of round ${round.id}`} done={round.accepted} total={round.wanted} />
                      </div>
                    ),
                  },
                  { title: 'Leases', right: true, cell: (round) => countText(round.leases) },
                  {
                    title: 'Refused',
                    cell: (round) =>
                      Object.entries(round.refused)
                        .map(([why, count]) => `${why} ${count}`)
                        .join(', ') || '–',
                  },
                  { title: 'Why', cell: (round) => round.why ?? '–' },
                  { title: 'Opened', cell: (round) => <Ago at={round.opened} /> },
                ]}
              />
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
