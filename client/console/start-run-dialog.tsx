import { useId, useState } from 'preact/hooks'
import type { PipelineSummary } from '../../shared/contract/pipelines.ts'
import { AppError } from '../../shared/core/errors.ts'
import type { JsonObject } from '../../shared/core/json.ts'
import { ReasonDialog } from '../ui/reason-dialog.tsx'
import { linkTo } from './location.ts'
import { api } from './session.ts'

/** Starts a run on demand: with other parameters where wanted, and a reason. Goes to the run's page. */
export function StartRunDialog({ pipeline, onClose }: { pipeline: PipelineSummary; onClose: () => void }) {
  const [params, setParams] = useState('{}')
  const id = useId()
  const start = async (reason: string) => {
    const run = await api('runs.start', { params: { pipeline: pipeline.name }, body: { params: parsedParams(params), reason } })
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

function parsedParams(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed_json', 'The parameters are not valid JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('invalid_input', 'The parameters must be a JSON object, like {"epochs": 3}.')
  return value as JsonObject
}
