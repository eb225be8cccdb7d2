import { useEffect, useRef, useState } from 'preact/hooks'
import { toAppError } from '../../shared/core/errors.ts'
import { Button } from '../ui/button.tsx'
import { Progress } from '../ui/progress.tsx'
import { Notice } from '../ui/states.tsx'
import { bytesText, plural } from '../ui/value-text.ts'
import type { ContributeProgress, Contribution } from '../sdk/api.ts'
import { model, outgoingChanges } from './device.ts'

const PHASES: Record<ContributeProgress['phase'], string> = {
  ask: 'Asking for a round',
  download: 'Fetching the version to learn from',
  train: 'Learning',
  send: 'Sending the change of the weights',
}

const sentence = (contribution: Contribution): string => {
  switch (contribution.outcome) {
    case 'contributed':
      return `Thank you: this device learned from ${plural(contribution.examples, 'drawing')} and sent ${bytesText(contribution.bytes)} of changed weights.`
    case 'no-round':
    case 'refused':
      return contribution.why
  }
}

/** What goes on, as it is seen. Not read out: it changes with every look. */
const stepText = ({ phase, done, total }: ContributeProgress): string =>
  phase === 'train' && total > 0 ? `${PHASES.train}: ${done} of ${plural(total, 'step')}` : PHASES[phase]

/** Read out when training rests. */
const restText = ({ phase, done, total }: ContributeProgress): string =>
  phase === 'train' && total > 0
    ? `Paused after ${done} of ${plural(total, 'step')}. A round that ends meanwhile does without this device.`
    : 'Paused: learning will not begin before it is resumed.'

/** Takes part in a round of training: by hand, with progress, and it can be paused and stopped at any time. */
export function Learning() {
  const loaded = model.value
  const changes = outgoingChanges.value
  const [kept, setKept] = useState<number>()
  const [progress, setProgress] = useState<ContributeProgress>()
  const [paused, setPaused] = useState(false)
  const [said, setSaid] = useState<{ text: string; good: boolean }>()
  const running = useRef<AbortController | undefined>(undefined)
  useEffect(() => {
    loaded?.keptExamples().then(setKept, (thrown: unknown) => console.warn(toAppError(thrown).message))
  }, [loaded, changes])
  useEffect(() => () => running.current?.abort(), [])
  if (loaded === null) return null

  const begin = async () => {
    running.current = new AbortController()
    setSaid(undefined)
    setPaused(false)
    setProgress({ phase: 'ask', done: 0, total: 0 })
    try {
      const contribution = await loaded.contribute({ onProgress: setProgress, signal: running.current.signal })
      setSaid({ text: sentence(contribution), good: contribution.outcome === 'contributed' })
    } catch (thrown) {
      const error = toAppError(thrown)
      setSaid({ text: error.code === 'aborted' ? 'Stopped; nothing was sent.' : error.detail, good: false })
    }
    setProgress(undefined)
  }

  // it says false where all has ended meanwhile
  const rest = async (now: boolean) => {
    if (await (now ? loaded.pauseTraining() : loaded.resumeTraining())) setPaused(now)
  }
  const mayRest = progress !== undefined && progress.phase !== 'send'

  return (
    <div class="stack-tight">
      <p class="small muted">
        {kept === undefined ? 'Counting what is kept here' : `${plural(kept, 'drawing')} kept on this device to learn from.`}
      </p>
      {progress === undefined ? (
        <div class="row">
          <Button disabled={kept === undefined || kept === 0} onClick={() => void begin()}>
            Take part in a round
          </Button>
        </div>
      ) : (
        <div class="stack-tight">
          <p class="small numeric">{stepText(progress)}</p>
          {/* at rest it does not move, known total or not */}
          <Progress label={PHASES[progress.phase]} done={progress.done} total={paused ? Math.max(1, progress.total) : progress.total} />
          <div class="row">
            {/* one button, which keeps the focus */}
            <Button icon={paused ? 'play' : 'pause'} disabled={!mayRest} onClick={() => void rest(!paused)}>
              {paused ? 'Resume' : 'Pause'}
            </Button>
            <Button icon="stop" onClick={() => running.current?.abort()}>
              Stop
            </Button>
          </div>
        </div>
      )}
      <div role="status">
        {progress !== undefined && mayRest && paused ? <Notice>{restText(progress)}</Notice> : null}
        {said === undefined ? null : <Notice tone={said.good ? 'good' : 'info'}>{said.text}</Notice>}
      </div>
    </div>
  )
}
