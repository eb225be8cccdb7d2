import { useId, useState } from 'preact/hooks'
import type { PipelineSummary, TriggerTest } from '../../shared/contract/pipelines.ts'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice, Notice } from '../ui/states.tsx'
import { exactTimeText } from '../ui/value-text.ts'
import { jsonObjectOf } from './json-object.ts'
import { api, may } from './session.ts'

type Trigger = PipelineSummary['triggers'][number]

/** Settings to begin with where there are none. */
const EXAMPLES: Partial<Record<Trigger['kind'], object>> = {
  schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin', catchUp: 'latest' },
  'new-data': { minSpans: 1 },
}

/** Settings of a trigger as JSON: what it would do with them now, and setting them. */
export function TriggerDialog({
  pipeline,
  kind,
  trigger,
  onDone,
  onClose,
}: {
  pipeline: string
  kind: Trigger['kind']
  trigger: Trigger | undefined
  onDone: () => void
  onClose: () => void
}) {
  const [text, setText] = useState(JSON.stringify(trigger?.settings ?? EXAMPLES[kind] ?? {}, null, 2))
  const [enabled, setEnabled] = useState(trigger?.enabled ?? true)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<AppError>()
  const [tested, setTested] = useState<TriggerTest>()
  const id = useId()
  const params = { pipeline, kind }
  const doing = async (work: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    try {
      await work()
    } catch (thrown) {
      setTested(undefined)
      setError(toAppError(thrown))
    }
    setBusy(false)
  }
  const save = () =>
    doing(async () => {
      await api('triggers.set', { params, body: { enabled, settings: jsonObjectOf(text, 'The settings') } })
      onDone()
      onClose()
    })
  const test = () =>
    doing(async () => setTested(await api('triggers.test', { params, body: { settings: jsonObjectOf(text, 'The settings') } })))
  return (
    <Dialog title={`Trigger ${kind} of ${pipeline}`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <label class="row">
          <input
            type="checkbox"
            checked={enabled}
            disabled={!may('editor')}
            onChange={(event) => setEnabled(event.currentTarget.checked)}
          />
          On
        </label>
        <div class="field">
          <label class="field-label" for={id}>
            Settings (JSON object)
          </label>
          <textarea
            id={id}
            class="input mono"
            rows={8}
            spellcheck={false}
            value={text}
            aria-describedby={`${id}-hint`}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <span class="field-hint" id={`${id}-hint`}>
            cooldownMs, budget {'{"runs", "minutes", "periodMs"}'}, params; schedule: cron, timeZone, catchUp (none, latest, all); new-data:
            minExamples, minSpans; drift and degradation: minExamples.
          </span>
        </div>
        {tested === undefined ? null : (
          <Notice tone={tested.fires ? 'good' : 'info'}>
            <strong>{tested.fires ? 'It would fire now' : `It would not fire now (${tested.code})`}</strong>
            <div>{tested.why}</div>
            {tested.next.length === 0 ? null : <div class="muted">Next: {tested.next.map((at) => exactTimeText(at)).join(', ')}</div>}
          </Notice>
        )}
        {error === undefined ? null : <ErrorNotice error={error} />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button busy={busy && tested === undefined} onClick={() => void test()}>
            Test
          </Button>
          <Button type="submit" kind="primary" busy={busy} disabled={!may('editor')}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
