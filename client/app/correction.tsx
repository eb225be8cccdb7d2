import { useEffect, useState } from 'preact/hooks'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice, Notice } from '../ui/states.tsx'
import type { Answer } from '../sdk/api.ts'
import { model, outgoingChanges, shoal } from './device.ts'

type Given = { readonly label: string; readonly shared: boolean; readonly kept: boolean }

/** "Is this right?": one press says yes, a digit says what it should have been; on the keyboard too. */
export function Correction({ answer, labels }: { answer: Answer; labels: readonly string[] }) {
  const [given, setGiven] = useState<Given>()
  const [error, setError] = useState<AppError>()
  const [busy, setBusy] = useState(false)

  const give = async (label: string) => {
    if (busy || given !== undefined) return
    setBusy(true)
    try {
      const sharing = shoal.value?.consent.sharing ?? false
      const feedback = await model.value?.feedback(answer.id, label, { share: sharing })
      setGiven({ label, shared: feedback?.shared ?? false, kept: feedback?.kept ?? false })
      setError(undefined)
      outgoingChanges.value++
    } catch (thrown) {
      setError(toAppError(thrown))
    }
    setBusy(false)
  }

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !labels.includes(event.key)) return
      if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog')) return
      void give(event.key)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  })

  if (given !== undefined) {
    const right = given.label === answer.label
    return (
      <div role="status">
        <Notice tone="good">
          <strong>{right ? 'Thank you: counted as right.' : `Thank you: it was a ${given.label}. Counted as wrong.`}</strong>
          <div class="muted">
            {given.shared
              ? 'This drawing waits to be shared, as you agreed.'
              : 'Only “right” or “wrong” is counted; the drawing stays on this device.'}
            {given.kept ? ' It is kept here to learn from.' : null}
          </div>
        </Notice>
      </div>
    )
  }
  return (
    <div class="stack-tight" role="group" aria-labelledby="correction-title">
      <div class="row-between">
        <h3 id="correction-title">Is this right?</h3>
        <span class="small muted only-wide">or press the digit’s key</span>
      </div>
      <Button kind="primary" large icon="check" onClick={() => void give(answer.label)}>
        Yes, {answer.label}
      </Button>
      <div class="digit-keys" role="group" aria-label="No, it is">
        {labels.map((label) =>
          label === answer.label ? null : (
            <Button key={label} aria-label={`No, it is ${label}`} onClick={() => void give(label)}>
              {label}
            </Button>
          ),
        )}
      </div>
      {error === undefined ? null : <ErrorNotice error={error} />}
    </div>
  )
}
