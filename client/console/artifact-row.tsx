import { useState } from 'preact/hooks'
import type { ArtifactSummary } from '../../shared/contract/pipelines.ts'
import { toAppError } from '../../shared/core/errors.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { showToast } from '../ui/toasts.tsx'
import { bytesText } from '../ui/value-text.ts'
import { ArtifactView } from './artifact-view.tsx'
import { api } from './session.ts'

/** Larger ones are only downloaded. */
const MAX_SHOWN_BYTES = 400_000
/** What is not JSON: Parquet, model files and pages (server/pipeline/artifact-types.ts). */
const BINARY_TYPES = new Set(['data', 'split', 'model', 'report'])

/** An artifact of a step: type, size, its content opened below or saved. */
export function ArtifactRow({ name, artifact }: { name: string; artifact: ArtifactSummary }) {
  const [open, setOpen] = useState(false)
  const [busy, setBusy] = useState(false)
  const readable = artifact.digest !== null && artifact.bytes <= MAX_SHOWN_BYTES && !BINARY_TYPES.has(artifact.type)
  const save = async () => {
    setBusy(true)
    try {
      const response = await api('artifacts.content', { params: { artifact: artifact.id } })
      const url = URL.createObjectURL(await response.blob())
      const link = document.createElement('a')
      link.href = url
      link.download = `${artifact.name === '' ? name : artifact.name}${readable ? '.json' : ''}`.replace(/[^\w.-]+/g, '-')
      link.click()
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch (thrown) {
      showToast({ key: 'save artifact', tone: 'bad', text: toAppError(thrown).detail })
    }
    setBusy(false)
  }
  return (
    <li>
      <span class="row small">
        <strong>{name}</strong>
        <Badge>{artifact.type}</Badge>
        <span class="muted">{bytesText(artifact.bytes)}</span>
      </span>
      <span class="row">
        {readable ? (
          <Button aria-expanded={open} aria-label={`${open ? 'Hide' : 'Show'} ${name}`} onClick={() => setOpen(!open)}>
            {open ? 'Hide' : 'Show'}
          </Button>
        ) : null}
        {artifact.digest === null ? null : (
          <Button kind="quiet" icon="download" busy={busy} aria-label={`Download ${name}`} onClick={() => void save()} />
        )}
      </span>
      {open ? (
        <div style={{ width: '100%' }}>
          <ArtifactView artifact={artifact} />
        </div>
      ) : null}
    </li>
  )
}
