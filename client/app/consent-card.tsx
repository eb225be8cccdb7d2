import { useState } from 'preact/hooks'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { Loading } from '../ui/states.tsx'
import { ConsentChoices } from './consent-choices.tsx'
import type { Consent } from '../sdk/api.ts'
import { chosen, outgoingChanges, shoal } from './device.ts'

const TITLE = 'Before you begin: what may leave this device?'
const ASKED = 'shoal-consent-asked'

const asked = (): boolean => {
  try {
    return localStorage.getItem(ASKED) !== null
  } catch {
    // nothing can be remembered here, so there is nothing to ask each time anew
    return true
  }
}

/** Asked once, on the first visit; the same choices stand in the privacy card for ever. */
export function ConsentCard() {
  const [open, setOpen] = useState(!asked())
  const device = shoal.value
  const [choice, setChoice] = useState<Consent>()
  if (!open) return null
  if (device === null) {
    return (
      <Card title={TITLE}>
        <Loading lines={4} />
      </Card>
    )
  }
  const shown = choice ?? chosen(device.consent)
  const save = async () => {
    await device.consent.set(shown)
    localStorage.setItem(ASKED, 'yes')
    outgoingChanges.value++
    setOpen(false)
  }
  return (
    <Card title={TITLE}>
      <div class="stack">
        <ConsentChoices choices={shown} wide onChange={setChoice} />
        <div class="row">
          <Button kind="primary" onClick={() => void save()}>
            Save my choice
          </Button>
          <span class="small muted">You can change it at any time, below.</span>
        </div>
      </div>
    </Card>
  )
}
