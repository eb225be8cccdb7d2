import { Icon } from '../ui/icons.tsx'
import { Progress } from '../ui/progress.tsx'
import { ErrorNotice } from '../ui/states.tsx'
import { bytesText } from '../ui/value-text.ts'
import type { Progress as Loading } from '../sdk/api.ts'
import { type LoadState, start } from './device.ts'

const PHASES: readonly { readonly phase: Loading['phase']; readonly name: string }[] = [
  { phase: 'release', name: 'Find the release' },
  { phase: 'manifest', name: 'Verify its signature' },
  { phase: 'download', name: 'Download' },
  { phase: 'load', name: 'Warm up and self-test' },
]

/** How far the model is on its way to this device, or why it is not there. */
export function LoadProgress({ state }: { state: Exclude<LoadState, { phase: 'ready' }> }) {
  if (state.phase === 'failed') {
    return (
      <div class="stack">
        <ErrorNotice error={state.error} onRetry={() => void start()} />
        <p class="small muted">
          {state.error.code === 'offline_no_model'
            ? 'After one visit with a connection, the app works offline.'
            : 'You can draw meanwhile; answers come once the model is here.'}
        </p>
      </div>
    )
  }
  const { progress } = state
  const at = progress === null ? 0 : progress.phase === 'ready' ? PHASES.length : PHASES.findIndex(({ phase }) => phase === progress.phase)
  const known = progress !== null && progress.phase === 'download' && progress.total > 0
  return (
    <div class="stack load">
      <strong>{progress === null || progress.version === null ? 'Getting the model' : `Getting version ${progress.version}`}</strong>
      <Progress label="Getting the model" {...(known ? { done: progress.loaded, total: progress.total } : {})} />
      <ol class="phases" role="list">
        {PHASES.map(({ phase, name }, index) => (
          <li
            key={phase}
            class={index < at ? 'phase phase-done' : index === at ? 'phase phase-now' : 'phase'}
            aria-current={index === at ? 'step' : undefined}
          >
            {index < at ? <Icon name="check" size={14} /> : <span class="phase-dot" aria-hidden="true" />}
            {name}
            {index === at && known ? (
              <span class="numeric muted">{`${bytesText(progress.loaded)} of ${bytesText(progress.total)}`}</span>
            ) : null}
          </li>
        ))}
      </ol>
    </div>
  )
}
