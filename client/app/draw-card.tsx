import { useMemo } from 'preact/hooks'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { DrawingPad } from './drawing/drawing-pad.tsx'
import { ModelView } from './drawing/model-view.tsx'
import { SampleStrip } from './drawing/sample-strip.tsx'
import { strokeImage } from './drawing/stroke-image.ts'
import { cleared, type Drawing, loaded, undone } from './drawing/strokes.ts'

type DrawCardProps = {
  readonly drawing: Drawing
  readonly onChange: (drawing: Drawing) => void
  readonly onPause: () => void
  readonly onAsk: () => void
}

/** The pad with its tools, samples for a start without drawing, and the image that the model gets. */
export function DrawCard({ drawing, onChange, onPause, onAsk }: DrawCardProps) {
  const pixels = useMemo(() => strokeImage(drawing.strokes), [drawing.strokes])
  const empty = drawing.strokes.length === 0
  const undo = () => {
    onChange(undone(drawing))
    onPause()
  }
  return (
    <Card
      title="Draw a digit"
      actions={
        <>
          <Button icon="undo" disabled={drawing.past.length === 0} onClick={undo}>
            Undo
          </Button>
          <Button icon="trash" disabled={empty} onClick={() => onChange(cleared(drawing))}>
            Clear
          </Button>
        </>
      }
    >
      <div class="stack">
        <div class="pad-frame">
          <DrawingPad drawing={drawing} onChange={onChange} onPause={onPause} onAsk={onAsk} />
          {empty ? (
            <span class="pad-hint" aria-hidden="true">
              Draw here
            </span>
          ) : (
            <ModelView pixels={pixels} />
          )}
        </div>
        <div class="stack-tight">
          <span class="small muted">Or start from a sample</span>
          <SampleStrip
            onPick={(strokes) => {
              onChange(loaded(drawing, strokes))
              onAsk()
            }}
          />
        </div>
        <p id="pad-keys" class="small muted pad-keys">
          By keyboard: focus the pad, move with <kbd>arrow keys</kbd>, <kbd>Space</kbd> puts the pen down and lifts it, <kbd>Enter</kbd>{' '}
          asks, <kbd>Backspace</kbd> undoes, <kbd>Delete</kbd> clears.
        </p>
      </div>
    </Card>
  )
}
