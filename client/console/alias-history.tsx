import { Table } from '../ui/table.tsx'
import { Loaded } from './loaded.tsx'
import { Ago } from './page.tsx'
import { ofType, useResource } from './resource.ts'
import { api } from './session.ts'

/** Which version was live when, who moved it, why. `version` is where the alias points now. */
export function AliasHistory({ model, alias, version }: { model: string; alias: string; version: number }) {
  const history = useResource(
    `history ${model} ${alias} ${version}`,
    (signal) => api('aliases.history', { params: { model, alias } }, { signal }),
    ofType('alias'),
  )
  return (
    <Loaded resource={history} lines={2}>
      {({ items }) =>
        items.length === 0 ? (
          <p class="small muted">No change recorded.</p>
        ) : (
          <Table
            label={`History of ${alias}`}
            rows={items}
            rowKey={(change) => `${change.at} ${change.to}`}
            columns={[
              { title: 'When', cell: (change) => <Ago at={change.at} /> },
              {
                title: 'Change',
                cell: (change) => (
                  <span class="nowrap">{change.from === null ? `set to v${change.to}` : `v${change.from} → v${change.to}`}</span>
                ),
              },
              { title: 'By', cell: (change) => change.by },
              { title: 'Reason', cell: (change) => change.reason },
            ]}
          />
        )
      }
    </Loaded>
  )
}
