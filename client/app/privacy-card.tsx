import { useEffect, useState } from 'preact/hooks'
import { toAppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Loading, Notice } from '../ui/states.tsx'
import { showToast } from '../ui/toasts.tsx'
import { bytesText, plural } from '../ui/value-text.ts'
import type { Consent, Outgoing } from '../sdk/api.ts'
import { ConsentChoices } from './consent-choices.tsx'
import { chosen, outgoingChanges, shoal } from './device.ts'
import { Learning } from './learning.tsx'

const LOOK_AGAIN_MS = 3000

/** What leaves this device: the choices, the exact JSON that waits, and a way to delete everything. */
export function PrivacyCard() {
  const device = shoal.value
  const changes = outgoingChanges.value
  const [outgoing, setOutgoing] = useState<Outgoing>()
  const [forgetting, setForgetting] = useState(false)
  useEffect(() => {
    let gone = false
    device?.whatIsSent().then(
      (what) => gone || setOutgoing(what),
      (thrown: unknown) => console.warn(toAppError(thrown).message),
    )
    return () => {
      gone = true
    }
  }, [device, changes])
  const waiting = outgoing !== undefined && outgoing.reports.length + outgoing.examples.length > 0
  useEffect(() => {
    if (!waiting) return
    // it may also be sent by another tab, or in the background
    const timer = setInterval(() => {
      outgoingChanges.value++
    }, LOOK_AGAIN_MS)
    return () => clearInterval(timer)
  }, [waiting])
  useEffect(() => {
    // the shortcut of the installed app leads here, before there is anything to scroll to
    if (device !== null && location.hash === '#privacy') document.getElementById('privacy')?.scrollIntoView()
  }, [device])
  const choose = async (choices: Consent) => {
    await device?.consent.set(choices)
    outgoingChanges.value++
  }
  const sendNow = async () => {
    await device?.flush()
    outgoingChanges.value++
  }
  return (
    <div id="privacy">
      <Card title="What leaves this device">
        {device === null ? (
          <Loading lines={4} />
        ) : (
          <div class="stack">
            <ConsentChoices choices={chosen(device.consent)} onChange={(choices) => void choose(choices)} />
            {device.consent.training ? <Learning /> : null}
            <Waiting outgoing={outgoing} />
            <div class="row">
              <Button icon="share" disabled={!waiting} onClick={() => void sendNow()}>
                Send now
              </Button>
              <Button kind="quiet" icon="trash" onClick={() => setForgetting(true)}>
                Forget everything
              </Button>
            </div>
          </div>
        )}
      </Card>
      {forgetting ? <ForgetDialog onClose={() => setForgetting(false)} /> : null}
    </div>
  )
}

function Waiting({ outgoing }: { outgoing: Outgoing | undefined }) {
  if (outgoing === undefined) return <Loading lines={2} />
  const { reports, examples } = outgoing
  if (reports.length + examples.length === 0) return <Notice tone="good">Nothing waits to be sent.</Notice>
  const json = JSON.stringify(outgoing, null, 2)
  return (
    <details>
      <summary>
        {plural(reports.length, 'report')} and {plural(examples.length, 'drawing')} wait to be sent{' '}
        <span class="muted">({bytesText(JSON.stringify(outgoing).length)})</span>
      </summary>
      <div class="stack-tight" style={{ marginTop: 'var(--s2)' }}>
        <div class="row-between small">
          <span class="muted">Exactly this, and nothing else:</span>
          <CopyButton text={json} />
        </div>
        <pre class="code-block" tabIndex={0} role="region" aria-label="The JSON that waits to be sent">
          {json}
        </pre>
      </div>
    </details>
  )
}

function ForgetDialog({ onClose }: { onClose: () => void }) {
  const forget = async () => {
    try {
      await shoal.value?.forget()
      localStorage.clear()
      location.reload()
    } catch (thrown) {
      showToast({ key: 'forget', tone: 'bad', text: toAppError(thrown).detail })
      onClose()
    }
  }
  return (
    <Dialog title="Forget everything?" onClose={onClose}>
      <p>
        The model, all counts and what waits to be sent are deleted from this device, with its random identity. The page then starts as on
        the first visit.
      </p>
      <div class="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" onClick={() => void forget()}>
          Forget everything
        </Button>
      </div>
    </Dialog>
  )
}
