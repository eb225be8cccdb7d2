import { useId, useState } from 'preact/hooks'
import type { PipelineSummary } from '../../shared/contract/pipelines.ts'
import { ReasonDialog } from '../ui/reason-dialog.tsx'
import { jsonObjectOf } from './json-object.ts'
import { linkTo } from './location.ts'
import { api } from './session.ts'

/** Starts a run on demand: with other parameters where wanted, and a reason. Goes to the run's page. */
export function StartRunDialog({ pipeline, onClose }: { pipeline: PipelineSummary; onClose: () => void }) {
  const [params, setParams] = useState('{}')
  const id = useId()
  const start = async (reason: string) => {
    const run = await api('runs.start', {
      params: { pipeline: pipeline.name },
      body: { params: jsonObjectOf(params, 'The parameters'), reason },
    })
    location.assign(linkTo(['runs', run.id]))
  }
  return (
    <ReasonDialog title={`Start ${pipeline.name}`} action="Start run" onConfirm={start} onClose={onClose}>
      <div class="stack">
        <p class="small muted">Steps whose inputs and parameters have not changed are taken from the cache.</p>
        <details>
          <summary>Parameters</summary>
          <div class="stack-tight">
            <p class="small muted">Defaults of this pipeline:</p>
            <pre class="code-block">{JSON.stringify(pipeline.params, null, 2)}</pre>
            <div class="field">
              <label class="field-label" for={id}>
                In place of the defaults (JSON object)
              </label>
              <textarea
                id={id}
                class="input mono"
                spellcheck={false}
                value={params}
                onInput={(event) => setParams(event.currentTarget.value)}
              />
            </div>
          </div>
        </details>
      </div>
    </ReasonDialog>
  )
}
