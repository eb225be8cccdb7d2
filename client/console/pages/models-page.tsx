import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { countText } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'

export const Aliases = ({ aliases }: { aliases: Readonly<Record<string, number>> }) => {
  const entries = Object.entries(aliases)
  if (entries.length === 0) return <span class="muted">none</span>
  return (
    <span class="row">
      {entries.map(([alias, version]) => (
        <Badge key={alias} tone="accent">
          {alias} → v{version}
        </Badge>
      ))}
    </span>
  )
}

export function ModelsPage() {
  const models = useResource('models', (signal) => api('models.list', {}, { signal }), ofType('version', 'alias', 'release'))
  return (
    <Page title="Models" lead="Every model, its versions, and which version each alias points at. Devices follow an alias.">
      <Card>
        <Loaded resource={models}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="models" title="No models yet">
                A pipeline run registers the first version; so does the <a href="/docs">API</a>.
              </Empty>
            ) : (
              <Table
                label="Models"
                rows={items}
                rowKey={(model) => model.name}
                columns={[
                  { title: 'Model', cell: (model) => <a href={linkTo(['models', model.name])}>{model.name}</a> },
                  { title: 'Description', cell: (model) => (model.description === '' ? <span class="muted">–</span> : model.description) },
                  { title: 'Aliases', cell: (model) => <Aliases aliases={model.aliases} /> },
                  { title: 'Versions', right: true, cell: (model) => countText(model.versions) },
                  { title: 'Created', cell: (model) => <Ago at={model.created} /> },
                ]}
              />
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
