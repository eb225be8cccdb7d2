import { useState } from 'preact/hooks'
import type { FoundRun } from '../../shared/contract/tracking.ts'
import type { AppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { Empty } from '../ui/states.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { numberText } from '../ui/value-text.ts'
import { Loaded } from './loaded.tsx'
import { Ago } from './page.tsx'
import { ofType, type Resource, useResource } from './resource.ts'
import { api } from './session.ts'
import { RunState } from './state-looks.tsx'
import { RunLink } from './run-link.tsx'

type Found = { items: FoundRun[]; next: string | null }

/** Runs that fulfil a filter, newest first; nothing is asked for while it is empty. */
export const useRunSearch = (filter: string): Resource<Found> =>
  useResource(
    `run search ${filter}`,
    async (signal) => (filter === '' ? { items: [], next: null } : api('runs.search', { query: { filter, limit: '50' } }, { signal })),
    ofType('run'),
  )

/** Where a filter is written. What the server cannot read of it stands at the field. */
export function RunSearchField({
  filter,
  error,
  onSearch,
}: {
  filter: string
  error: AppError | undefined
  onSearch: (text: string) => void
}) {
  const [text, setText] = useState(filter)
  const wrong = error?.code === 'invalid_input' ? error.detail : undefined
  return (
    <form
      class="field"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(text.trim())
      }}
    >
      <label class="field-label" for="run-search">
        Search
      </label>
      <div class="row">
        <input
          id="run-search"
          class="input mono"
          style={{ flex: '1 1 16rem' }}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          aria-invalid={wrong === undefined ? undefined : true}
          aria-describedby={wrong === undefined ? 'run-search-hint' : 'run-search-error run-search-hint'}
        />
        <Button type="submit">Search</Button>
        {filter === '' ? null : (
          <Button
            kind="quiet"
            onClick={() => {
              setText('')
              onSearch('')
            }}
          >
            Clear
          </Button>
        )}
      </div>
      {wrong === undefined ? null : (
        <span id="run-search-error" class="field-error" role="alert">
          {wrong}
        </span>
      )}
      <span id="run-search-hint" class="field-hint" style={{ overflowWrap: 'anywhere' }}>
        {"metrics.accuracy > 0.9 and params.optimizer = 'adam' and attributes.state != 'failed'"}
      </span>
    </form>
  )
}

/** Metrics that a filter names, which are what one looks for in its runs. */
const metricsIn = (filter: string): string[] => [
  ...new Set(
    Array.from(
      filter.matchAll(/\bmetrics?\.(?:([\w-]+)|"([^"]+)"|`([^`]+)`)/gi),
      ([, plain, quoted, ticked]) => plain ?? quoted ?? ticked ?? '',
    ),
  ),
]

export function FoundRuns({ filter, resource }: { filter: string; resource: Resource<Found> }) {
  const [more, setMore] = useState<{ filter: string; items: readonly FoundRun[]; next: string | null }>()
  if (resource.error?.code === 'invalid_input') return null
  const columns: Column<FoundRun>[] = [
    {
      title: 'Run',
      cell: ({ run }) => <RunLink run={run.id} />,
    },
    { title: 'Pipeline', cell: ({ run }) => run.pipeline },
    { title: 'State', cell: ({ run }) => <RunState state={run.state} /> },
    ...metricsIn(filter).map((name) => ({
      title: name,
      right: true,
      cell: ({ metrics }: FoundRun) => {
        const value = metrics[name]
        return value === undefined ? '–' : typeof value === 'number' ? numberText(value) : value
      },
    })),
    { title: 'Created', cell: ({ run }) => <Ago at={run.created} /> },
  ]
  return (
    <Loaded resource={resource}>
      {({ items, next }) => {
        // what was paged to belongs to the filter that it was asked with
        const paged = more?.filter === filter ? more : undefined
        const rows = [...new Map([...items, ...(paged?.items ?? [])].map((one) => [one.run.id, one])).values()]
        const cursor = paged === undefined ? next : paged.next
        const load = async (from: string) => {
          const page = await api('runs.search', { query: { filter, limit: '50', cursor: from } })
          setMore({ filter, items: [...(paged?.items ?? []), ...page.items], next: page.next })
        }
        return rows.length === 0 ? (
          <Empty icon="runs" title="No run fulfils this" />
        ) : (
          <div class="stack">
            <Table label="Runs found" rows={rows} rowKey={({ run }) => run.id} columns={columns} />
            {cursor === null ? null : (
              <div>
                <Button onClick={() => void load(cursor)}>Show more</Button>
              </div>
            )}
          </div>
        )
      }}
    </Loaded>
  )
}
