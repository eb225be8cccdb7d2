import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'

/** Chromium's offer to install (developer.mozilla.org/docs/Web/API/BeforeInstallPromptEvent); not in the DOM types. */
type InstallOffer = Event & { prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }> }

const offer = signal<InstallOffer | null>(null)

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault()
  offer.value = event as InstallOffer
})
addEventListener('appinstalled', () => {
  offer.value = null
})

const installed = (): boolean => matchMedia('(display-mode: standalone)').matches
/** iPhone and iPad install by hand only; iPadOS calls itself a Mac with touch. */
const isIos = (): boolean =>
  /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.userAgent.includes('Macintosh') && navigator.maxTouchPoints > 1)

/** Offers to install where the browser can; on iOS explains how. */
export function InstallButton() {
  const [hint, setHint] = useState(false)
  if (installed()) return null
  const install = async () => {
    const now = offer.value
    offer.value = null
    await now?.prompt()
  }
  if (offer.value !== null) {
    return (
      <Button icon="download" onClick={() => void install()}>
        Install
      </Button>
    )
  }
  if (!isIos()) return null
  return (
    <>
      <Button icon="download" onClick={() => setHint(true)}>
        Install
      </Button>
      {hint ? (
        <Dialog title="Install on iPhone or iPad" onClose={() => setHint(false)}>
          <p>
            In Safari, tap Share, then “Add to Home Screen”. An installed app also keeps its model: Safari deletes what a page has stored
            when it was not opened for seven days.
          </p>
          <div class="dialog-actions">
            <Button kind="primary" onClick={() => setHint(false)}>
              Understood
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  )
}
