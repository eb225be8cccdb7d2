import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { durationText } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'
import { RunState } from '../state-looks.tsx'

/** Every pipeline with what starts it and how far it works by itself. */
export function PipelinesPage() {
  const pipelines = useResource(
    'pipelines with maturity',
    async (signal) => {
      const { items } = await api('pipelines.list', {}, { signal })
      return Promise.all(
        items.map(async (pipeline) => ({
          ...pipeline,
          maturity: await api('pipelines.maturity', { params: { pipeline: pipeline.name } }, { signal }),
        })),
      )
    },
    ofType('run'),
  )
  return (
    <Page title="Pipelines" lead="What starts each pipeline, and how far it works by itself.">
      <Card>
        <Loaded resource={pipelines}>
          {(rows) =>
            rows.length === 0 ? (
              <Empty icon="redo" title="No pipeline defined" />
            ) : (
              <Table
                label="Pipelines"
                rows={rows}
                rowKey={({ name }) => name}
                columns={[
                  {
                    title: 'Pipeline',
                    cell: ({ name, description }) => (
                      <>
                        <a href={linkTo(['pipelines', name])}>
                          <strong>{name}</strong>
                        </a>
                        <div class="muted">{description}</div>
                      </>
                    ),
                  },
                  { title: 'Level', right: true, cell: ({ maturity }) => maturity.level },
                  {
                    title: 'New data to new model',
                    cell: ({ maturity: { newDataToNewModelMs: ms } }) =>
                      ms === null ? '–' : <span class="nowrap">{durationText(ms)}</span>,
                  },
                  {
                    title: 'Triggers',
                    cell: ({ triggers }) => (
                      <span class="row">
                        {triggers.map(({ kind, enabled }) => (
                          <Badge key={kind} tone={enabled ? 'accent' : 'neutral'}>
                            {kind}
                            {enabled ? '' : ' off'}
                          </Badge>
                        ))}
                      </span>
                    ),
                  },
                  {
                    title: 'Last run',
                    cell: ({ lastRun }) =>
                      lastRun === null ? (
                        '–'
                      ) : (
                        <a class="row" href={linkTo(['runs', lastRun.id])}>
                          <RunState state={lastRun.state} /> <Ago at={lastRun.created} />
                        </a>
                      ),
                  },
                ]}
              />
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
