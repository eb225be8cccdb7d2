import { useState } from 'preact/hooks'
import { toAppError } from '../../shared/core/errors.ts'
import type { Slug } from '../../shared/core/ids.ts'
import { Button } from '../ui/button.tsx'
import { showToast } from '../ui/toasts.tsx'
import { api } from './session.ts'

/** Saves a version's model card as a page of its own, which can be read, printed and handed on without a key. */
export function CardButton({ model, version }: { model: Slug; version: number }) {
  const [busy, setBusy] = useState(false)
  const save = async () => {
    setBusy(true)
    try {
      const page = await api('versions.card-page', { params: { model, version: String(version) } })
      const url = URL.createObjectURL(await page.blob())
      const link = document.createElement('a')
      link.href = url
      link.download = `${model}-${version}.html`
      link.click()
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch (thrown) {
      showToast({ key: 'model card', tone: 'bad', text: toAppError(thrown).detail })
    }
    setBusy(false)
  }
  return (
    <Button kind="quiet" icon="download" busy={busy} aria-label={`Model card of version ${version}`} onClick={() => void save()}>
      Card
    </Button>
  )
}
