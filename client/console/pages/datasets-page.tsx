import type { DatasetSummary } from '../../../shared/contract/datasets.ts'
import { Card, Figure } from '../../ui/card.tsx'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { bytesText, countText, plural } from '../../ui/value-text.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo } from '../location.ts'
import { Ago, Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { api } from '../session.ts'

export function DatasetsPage() {
  const datasets = useResource('datasets', (signal) => api('datasets.list', {}, { signal }), ofType('span', 'examples'))
  return (
    <Page title="Datasets" lead="Data arrives in spans: immutable, numbered, each with its source.">
      <Loaded resource={datasets}>
        {({ items }) =>
          items.length === 0 ? (
            <Card>
              <Empty icon="data" title="No datasets yet">
                A pipeline makes its own; <code>shoal datasets upload</code> uploads a file.
              </Empty>
            </Card>
          ) : (
            <>
              {items.map((dataset) => (
                <DatasetCard key={dataset.name} dataset={dataset} />
              ))}
            </>
          )
        }
      </Loaded>
    </Page>
  )
}

const DatasetCard = ({ dataset }: { dataset: DatasetSummary }) => (
  <Card title={dataset.name} hint={dataset.description === '' ? undefined : dataset.description}>
    <div class="stack" style={{ gap: 'var(--s5)' }}>
      <div class="figures">
        <Figure label="Rows" value={countText(dataset.rows)} note={plural(dataset.spans.length, 'span')} />
        <Figure label="Size" value={bytesText(dataset.spans.reduce((sum, span) => sum + span.bytes, 0))} />
        <Figure
          label="Features"
          value={dataset.schema === null ? '–' : dataset.schema.features.length}
          note={dataset.schema === null ? 'no schema accepted yet' : `label: ${dataset.schema.label ?? 'none'}`}
        />
      </div>
      {dataset.spans.length === 0 ? null : (
        <Table
          label={`Spans of ${dataset.name}`}
          rows={dataset.spans.toReversed()}
          rowKey={(span) => String(span.span)}
          columns={[
            { title: 'Span', cell: (span) => span.span },
            { title: 'Source', cell: (span) => span.source },
            { title: 'Rows', right: true, cell: (span) => countText(span.rows) },
            { title: 'Size', right: true, cell: (span) => bytesText(span.bytes) },
            { title: 'Digest', cell: (span) => <code>{span.digest.slice(0, 12)}</code> },
            { title: 'Added', cell: (span) => <Ago at={span.created} /> },
          ]}
        />
      )}
      <p>
        <a href={linkTo(['datasets', dataset.name])}>Schema of {dataset.name}: versions and proposals</a>
      </p>
      {dataset.schema === null ? null : (
        <details class="small">
          <summary>Schema</summary>
          <pre class="code-block" tabIndex={0} role="region" aria-label={`Schema of ${dataset.name}`}>
            {JSON.stringify(dataset.schema, null, 2)}
          </pre>
        </details>
      )}
    </div>
  </Card>
)
