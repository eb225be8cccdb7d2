import type { SchemaVersion } from '../../shared/contract/schemas.ts'
import { changeText } from '../../shared/data/schema-diff.ts'
import { ReasonDialog } from '../ui/reason-dialog.tsx'
import { showToast } from '../ui/toasts.tsx'
import { api } from './session.ts'

export type SchemaAction = { readonly kind: 'infer' } | { readonly kind: 'accept' | 'reject'; readonly version: SchemaVersion }

type SchemaDialogProps = { dataset: string; action: SchemaAction; onDone: () => void; onClose: () => void }

const TITLES = { infer: 'Propose from the newest rows', accept: 'Accept', reject: 'Reject' } as const

/** Proposes a schema, or decides on a proposal, with a reason. */
export function SchemaDialog({ dataset, action, onDone, onClose }: SchemaDialogProps) {
  const confirm = async (reason: string) => {
    if (action.kind === 'infer') await api('schemas.infer', { params: { dataset }, body: { reason } })
    else {
      const params = { dataset, version: String(action.version.version) }
      await api(action.kind === 'accept' ? 'schemas.accept' : 'schemas.reject', { params, body: { reason } })
    }
    showToast({ key: 'schema', tone: 'good', lasts: 6000, text: doneText(action) })
    onDone()
  }
  const title = action.kind === 'infer' ? TITLES.infer : `${TITLES[action.kind]} version ${action.version.version}`
  return (
    <ReasonDialog
      title={title}
      action={action.kind === 'infer' ? 'Propose' : TITLES[action.kind]}
      danger={action.kind === 'reject'}
      onConfirm={confirm}
      onClose={onClose}
    >
      {action.kind === 'infer' ? (
        <p class="small muted">The accepted schema is widened as far as the newest rows demand. Nothing changes until it is accepted.</p>
      ) : (
        <ul class="small" style={{ overflowWrap: 'anywhere' }}>
          {action.version.changes.slice(0, 10).map((change) => (
            <li key={`${change.feature} ${change.part}`}>{changeText(change)}</li>
          ))}
        </ul>
      )}
    </ReasonDialog>
  )
}

function doneText(action: SchemaAction): string {
  if (action.kind === 'infer') return 'Proposed: look it over, then accept or reject it.'
  return action.kind === 'accept'
    ? `Version ${action.version.version} is the schema now. Runs that stopped can be resumed.`
    : `Version ${action.version.version} is rejected.`
}
