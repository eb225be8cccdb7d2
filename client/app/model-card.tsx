import { useState } from 'preact/hooks'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Card, Facts } from '../ui/card.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Loading } from '../ui/states.tsx'
import { durationText } from '../ui/value-text.ts'
import { BACKEND_NAMES } from './answer-card.tsx'
import { checkForUpdate, connection, lastChange, model, running, shoal } from './device.ts'

const CONNECTIONS = {
  online: 'Online',
  offline: 'Offline: answers come from this device as always',
  stale: 'The release has expired: the stored version goes on answering, but nobody vouches that it is the newest',
} as const

/** Which version this device runs, on what and why; whether it is the newest. */
export function ModelCard() {
  const loaded = model.value
  const { version, backend } = running.value
  const [busy, setBusy] = useState(false)
  const [said, setSaid] = useState<string>()
  const check = async () => {
    setBusy(true)
    setSaid(await checkForUpdate())
    setBusy(false)
  }
  return (
    <Card
      title="Model on this device"
      actions={
        loaded === null ? undefined : (
          <Button icon="redo" busy={busy} onClick={() => void check()}>
            Check for update
          </Button>
        )
      }
    >
      {loaded === null ? (
        <Loading lines={4} />
      ) : (
        <div class="stack">
          <Facts
            items={[
              ['Version', <Badge tone="accent">{version === null ? 'none' : `${loaded.name} v${version}`}</Badge>],
              ['Runs on', BACKEND_NAMES[backend ?? ''] ?? '–'],
              ['Status', CONNECTIONS[connection.value]],
              ['Last change', lastChange.value ?? 'none since this page was opened'],
            ]}
          />
          <p class="small" role="status">
            {said}
          </p>
          <BackendReasons />
          <Diagnostics />
        </div>
      )}
    </Card>
  )
}

/** Why this backend: the times measured on this device, and why others are out of the question. */
function BackendReasons() {
  const choice = model.value?.explainBackend() ?? null
  if (choice === null) return null
  const timings = Object.entries(choice.timings)
  // the sentence usually names them already
  const skipped = Object.entries(choice.skipped).filter(([, why]) => !choice.why.includes(why))
  return (
    <details class="small">
      <summary>Why {BACKEND_NAMES[choice.backend]}?</summary>
      <div class="stack-tight" style={{ marginTop: 'var(--s2)' }}>
        <p>{choice.why}</p>
        {timings.length === 0 ? null : (
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Backend</th>
                <th scope="col" class="right">
                  First answer
                </th>
                <th scope="col" class="right">
                  Then
                </th>
              </tr>
            </thead>
            <tbody>
              {timings.map(([name, timing]) => (
                <tr key={name}>
                  <td>{BACKEND_NAMES[name]}</td>
                  <td class="right numeric">{durationText(timing.first)}</td>
                  <td class="right numeric">{durationText(timing.median)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {skipped.map(([name, why]) => (
          <p key={name} class="muted">
            {BACKEND_NAMES[name]}: {why}
          </p>
        ))}
      </div>
    </details>
  )
}

/** JSON for an issue report: made when opened. */
function Diagnostics() {
  const [text, setText] = useState<string>()
  const make = async (event: Event) => {
    if (event.currentTarget instanceof HTMLDetailsElement && event.currentTarget.open)
      setText(JSON.stringify(await shoal.value?.diagnostics(), null, 2))
  }
  return (
    <details class="small" onToggle={(event) => void make(event)}>
      <summary>Diagnostics</summary>
      {text === undefined ? (
        <Loading lines={2} />
      ) : (
        <div class="stack-tight">
          <div class="row-between">
            <span class="muted">No inputs, no ids: safe to paste into an issue.</span>
            <CopyButton text={text} />
          </div>
          <pre class="code-block" tabIndex={0} role="region" aria-label="Diagnostics as JSON">
            {text}
          </pre>
        </div>
      )}
    </details>
  )
}
