import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { type AppError, toAppError } from '../../shared/core/errors.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorNotice } from './states.tsx'

type ReasonDialogProps = {
  readonly title: string
  /** What the action will do, in full. */
  readonly children: ComponentChildren
  readonly action: string
  readonly danger?: boolean
  /** Runs on confirmation; the dialog closes when it resolves and shows the failure when it rejects. */
  readonly onConfirm: (reason: string) => Promise<unknown>
  readonly onClose: () => void
}

/** Asks for a reason before something that the whole fleet feels. The reason goes into the history. */
export function ReasonDialog({ title, children, action, danger = false, onConfirm, onClose }: ReasonDialogProps) {
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<AppError>()
  const id = useId()
  const confirm = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    try {
      await onConfirm(reason.trim())
      onClose()
    } catch (thrown) {
      setError(toAppError(thrown))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void confirm(event)}>
        <div>{children}</div>
        <div class="field">
          <label class="field-label" for={id}>
            Reason
          </label>
          <textarea
            id={id}
            class="input"
            required
            maxLength={2000}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
            aria-describedby={`${id}-hint`}
          />
          <span class="field-hint" id={`${id}-hint`}>
            Kept in the history, with your key’s name.
          </span>
        </div>
        {error === undefined ? null : <ErrorNotice error={error} />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind={danger ? 'danger' : 'primary'} busy={busy} disabled={reason.trim() === ''}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
