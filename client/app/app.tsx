import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { toAppError } from '../../shared/core/errors.ts'
import { Badge } from '../ui/badge.tsx'
import { Mark } from '../ui/icons.tsx'
import { ThemeToggle } from '../ui/theme.tsx'
import { Toasts } from '../ui/toasts.tsx'
import { AnswerCard } from './answer-card.tsx'
import { type Asking, IDLE } from './asking.ts'
import { ConsentCard } from './consent-card.tsx'
import { ask, connection, loadState, model } from './device.ts'
import { DrawCard } from './draw-card.tsx'
import { strokeImage } from './drawing/stroke-image.ts'
import { type Drawing, EMPTY_DRAWING } from './drawing/strokes.ts'
import { InstallButton } from './install-button.tsx'
import { ModelCard } from './model-card.tsx'
import { PrivacyCard } from './privacy-card.tsx'

/** After the pen was lifted: long enough to begin another stroke, short enough to feel at once. */
const PAUSE_MS = 500

export function App() {
  const [drawing, setDrawing] = useState<Drawing>(EMPTY_DRAWING)
  const [asking, setAsking] = useState<Asking>(IDLE)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const request = useRef<AbortController>(undefined)
  const latest = useRef(drawing)
  latest.current = drawing
  const ready = loadState.value.phase === 'ready'

  const change = useCallback((next: Drawing) => {
    clearTimeout(timer.current)
    request.current?.abort()
    latest.current = next
    setDrawing(next)
    setAsking(IDLE)
  }, [])

  const predict = useCallback(async () => {
    const pixels = strokeImage(latest.current.strokes)
    if (pixels === undefined || model.value === null) return
    const controller = new AbortController()
    request.current?.abort()
    request.current = controller
    setAsking({ state: 'busy' })
    try {
      const answer = await ask(pixels, controller.signal)
      if (answer !== undefined && !controller.signal.aborted) setAsking({ state: 'answered', answer })
    } catch (thrown) {
      if (!controller.signal.aborted) setAsking({ state: 'failed', error: toAppError(thrown) })
    }
  }, [])

  const askSoon = useCallback(
    (pause: number) => {
      clearTimeout(timer.current)
      timer.current = setTimeout(() => void predict(), pause)
    },
    [predict],
  )

  // drawn while the model was still loading
  useEffect(() => {
    if (ready) askSoon(0)
  }, [ready])

  return (
    <div class="app">
      <header class="app-head">
        <div class="row">
          <Mark size={30} />
          <h1>Digits</h1>
        </div>
        <div class="row">
          <ConnectionBadge />
          <InstallButton />
          <ThemeToggle />
        </div>
      </header>
      <main class="app-main">
        <ConsentCard />
        <div class="app-columns">
          <DrawCard drawing={drawing} onChange={change} onPause={() => askSoon(PAUSE_MS)} onAsk={() => askSoon(0)} />
          <AnswerCard
            asking={asking}
            empty={drawing.strokes.length === 0}
            onRetry={() => askSoon(0)}
            key={asking.state === 'answered' ? asking.answer.id : 'waiting'}
          />
        </div>
        <div class="app-columns app-columns-free">
          <ModelCard />
          <PrivacyCard />
        </div>
      </main>
      <footer class="app-foot small muted">
        <span>The model runs on this device. Drawings stay here unless you share them.</span>
        <a href="/console/">Engineers’ console</a>
      </footer>
      <Toasts />
    </div>
  )
}

const ConnectionBadge = () => {
  if (loadState.value.phase !== 'ready') return null
  const look = { online: ['good', 'Online'], offline: ['warn', 'Offline'], stale: ['warn', 'Not fresh'] } as const
  const [tone, text] = look[connection.value]
  return (
    <div role="status">
      <Badge tone={tone} dot>
        {text}
      </Badge>
    </div>
  )
}
