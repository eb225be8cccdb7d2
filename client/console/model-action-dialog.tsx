import { useId, useState } from 'preact/hooks'
import { exhausted } from '../../shared/core/assert.ts'
import { ReasonDialog } from '../ui/reason-dialog.tsx'
import { showToast } from '../ui/toasts.tsx'
import { api } from './session.ts'

/** What can be done to a model's versions, each with a reason. */
export type ModelAction =
  | { readonly kind: 'set-alias'; readonly version: number }
  | { readonly kind: 'rollback'; readonly alias: string }
  | { readonly kind: 'revoke'; readonly version: number }

type ModelActionDialogProps = {
  model: string
  action: ModelAction
  aliases: Readonly<Record<string, number>>
  onDone: () => void
  onClose: () => void
}

export function ModelActionDialog({ model, action, aliases, onDone, onClose }: ModelActionDialogProps) {
  const [alias, setAlias] = useState(Object.keys(aliases)[0] ?? 'stable')
  const id = useId()
  const done = (text: string) => {
    showToast({ key: 'model action', tone: 'good', text, lasts: 6000 })
    onDone()
  }
  switch (action.kind) {
    case 'set-alias': {
      const { version } = action
      const now = aliases[alias]
      const confirm = async (reason: string) => {
        const change = await api('aliases.set', { params: { model, alias }, body: { version, reason, expected: now ?? null } })
        done(`${change.alias} now points at version ${change.to}.`)
      }
      return (
        <ReasonDialog title={`Point an alias at version ${version}`} action="Set alias" onConfirm={confirm} onClose={onClose}>
          <div class="stack">
            <div class="field">
              <label class="field-label" for={id}>
                Alias
              </label>
              <input
                id={id}
                class="input"
                required
                pattern="[a-z0-9](-?[a-z0-9])*"
                maxLength={64}
                list={`${id}-list`}
                value={alias}
                onInput={(event) => setAlias(event.currentTarget.value)}
              />
              <datalist id={`${id}-list`}>
                {Object.keys(aliases).map((name) => (
                  <option key={name} value={name} />
                ))}
              </datalist>
            </div>
            <p class="small muted">
              {now === undefined ? 'A new alias.' : `Points at version ${now} now.`} Every device that follows it takes version {version} at
              its next poll, without a rollout.
            </p>
          </div>
        </ReasonDialog>
      )
    }
    case 'rollback': {
      const confirm = async (reason: string) => {
        const change = await api('aliases.rollback', { params: { model, alias: action.alias }, body: { reason } })
        done(`${change.alias} went back to version ${change.to}.`)
      }
      return (
        <ReasonDialog title={`Roll back ${action.alias}`} action="Roll back" danger onConfirm={confirm} onClose={onClose}>
          <p class="small muted">
            The alias goes back to the version it pointed at before version {aliases[action.alias]}. Devices that still hold that version
            switch without a download.
          </p>
        </ReasonDialog>
      )
    }
    case 'revoke': {
      const confirm = async (reason: string) => {
        await api('versions.revoke', { params: { model, version: String(action.version) }, body: { reason } })
        done(`Version ${action.version} is revoked.`)
      }
      return (
        <ReasonDialog title={`Revoke version ${action.version}`} action="Revoke" danger onConfirm={confirm} onClose={onClose}>
          <p class="small muted">No device runs a revoked version after its next poll, and no alias can point at it again.</p>
        </ReasonDialog>
      )
    }
    default:
      return exhausted(action)
  }
}
