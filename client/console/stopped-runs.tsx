import { useState } from 'preact/hooks'
import type { RunSummary } from '../../shared/contract/pipelines.ts'
import { toAppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Table } from '../ui/table.tsx'
import { showToast } from '../ui/toasts.tsx'
import { shortId } from '../ui/value-text.ts'
import { Ago } from './page.tsx'
import { ofType, useResource } from './resource.ts'
import { api, may } from './session.ts'
import { RunLink } from './run-link.tsx'

/** Runs that stopped because the rows of this dataset did not fit its schema, to be resumed from there once one that they fit is accepted. */
export function StoppedRuns({ dataset }: { dataset: string }) {
  const [resuming, setResuming] = useState<string>()
  const runs = useResource(
    `stopped by the schema of ${dataset}`,
    async (signal) => {
      const { items: pipelines } = await api('pipelines.list', {}, { signal })
      const own = new Set(pipelines.flatMap((one) => (one.dataset === dataset ? [one.name as string] : [])))
      if (own.size === 0) return []
      const { items } = await api('runs.list', { query: { state: 'stopped', limit: '100' } }, { signal })
      return items.filter((run) => own.has(run.pipeline) && run.error?.code === 'schema_anomaly')
    },
    ofType('run', 'schema'),
  )
  if (runs.data === undefined || runs.data.length === 0) return null
  const resume = async (run: RunSummary) => {
    setResuming(run.id)
    try {
      await api('runs.resume', { params: { run: run.id } })
      showToast({
        key: 'resume',
        tone: 'good',
        lasts: 6000,
        text: `${shortId(run.id)} goes on from ${run.error?.step ?? 'its last step'}.`,
      })
    } catch (thrown) {
      showToast({ key: 'resume', tone: 'bad', text: toAppError(thrown).detail })
    }
    setResuming(undefined)
    runs.reload()
  }
  return (
    <Card title="Runs that stopped at the schema" hint="A resumed run looks at the data again, with the schema that is accepted then.">
      <Table
        label="Runs that stopped at the schema"
        rows={runs.data}
        rowKey={(run) => run.id}
        columns={[
          {
            title: 'Run',
            cell: (run) => <RunLink run={run.id} />,
          },
          { title: 'Pipeline', cell: (run) => run.pipeline },
          { title: 'Why', cell: (run) => <span class="break">{run.error?.detail.slice(0, 300)}</span> },
          { title: 'Stopped', cell: (run) => (run.ended === null ? '–' : <Ago at={run.ended} />) },
          {
            title: 'Actions',
            cell: (run) => (
              <Button
                icon="play"
                busy={resuming === run.id}
                disabled={!may('editor')}
                title={may('editor') ? undefined : 'Needs a key with the editor scope'}
                aria-label={`Resume ${shortId(run.id)}`}
                onClick={() => void resume(run)}
              >
                Resume
              </Button>
            ),
          },
        ]}
      />
    </Card>
  )
}
