import { useEffect, useRef, useState } from 'preact/hooks'
import { colorOf, schemeChanges } from '../../ui/theme.tsx'
import { cleared, type Drawing, penDown, penMove, type Point, type Stroke, undone } from './strokes.ts'

type DrawingPadProps = {
  readonly drawing: Drawing
  readonly onChange: (drawing: Drawing) => void
  /** The pen was lifted: soon a good moment to ask the model. */
  readonly onPause: () => void
  /** The person wants the answer now. */
  readonly onAsk: () => void
}

/** Resolution of the canvas, pixels; it is shown smaller. */
const RESOLUTION = 560
/** Width of the line, in canvas pixels. */
const LINE = 40
/** Step of the keyboard pen, as a share of the pad. */
const KEY_STEP = 1 / 16

const ARROWS: Record<string, readonly [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const inside = (value: number): number => Math.min(0.94, Math.max(0.06, value))

/** Where one draws: with finger, pen or mouse; or with the arrow keys, the space bar putting the pen down and lifting it. */
export function DrawingPad({ drawing, onChange, onPause, onAsk }: DrawingPadProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const pointer = useRef<number>(undefined)
  const [keyPen, setKeyPen] = useState<{ at: Point; down: boolean }>()
  const scheme = schemeChanges.value

  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context) paint(context, drawing.strokes, keyPen)
  }, [drawing.strokes, keyPen, scheme])

  const place = (event: { clientX: number; clientY: number; currentTarget: HTMLCanvasElement }): Point => {
    const box = event.currentTarget.getBoundingClientRect()
    return {
      x: Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)),
      y: Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)),
    }
  }
  const lift = (event: PointerEvent) => {
    if (pointer.current !== event.pointerId) return
    pointer.current = undefined
    onPause()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key]
    const pen = keyPen ?? { at: { x: 0.5, y: 0.25 }, down: false }
    if (arrow) {
      const step = event.shiftKey ? KEY_STEP / 2 : KEY_STEP
      const at = { x: inside(pen.at.x + arrow[0] * step), y: inside(pen.at.y + arrow[1] * step) }
      setKeyPen({ at, down: pen.down })
      if (pen.down) onChange(penMove(drawing, at))
    } else if (event.key === ' ') {
      setKeyPen({ at: pen.at, down: !pen.down })
      if (!pen.down) onChange(penDown(drawing, pen.at))
      else onPause()
    } else if (event.key === 'Backspace' || (event.key === 'z' && (event.ctrlKey || event.metaKey))) onChange(undone(drawing))
    else if (event.key === 'Delete') onChange(cleared(drawing))
    else if (event.key === 'Enter') onAsk()
    else return
    event.preventDefault()
  }

  return (
    <canvas
      ref={canvas}
      class="pad"
      width={RESOLUTION}
      height={RESOLUTION}
      tabIndex={0}
      role="application"
      aria-label={`Drawing pad, ${drawing.strokes.length === 0 ? 'empty' : `${drawing.strokes.length} strokes`}${keyPen ? `, pen ${keyPen.down ? 'down' : 'up'}` : ''}`}
      aria-describedby="pad-keys"
      onPointerDown={(event) => {
        if (pointer.current !== undefined || event.button !== 0) return
        pointer.current = event.pointerId
        event.currentTarget.setPointerCapture(event.pointerId)
        setKeyPen(undefined)
        onChange(penDown(drawing, place(event)))
      }}
      onPointerMove={(event) => {
        if (pointer.current !== event.pointerId) return
        const { currentTarget } = event
        // all positions since the last frame, so that quick strokes stay round
        const between = event.getCoalescedEvents?.() ?? []
        const events = between.length > 0 ? between : [event]
        onChange(events.reduce((now, { clientX, clientY }) => penMove(now, place({ clientX, clientY, currentTarget })), drawing))
      }}
      onPointerUp={lift}
      onPointerCancel={lift}
      onKeyDown={onKeyDown}
      onBlur={() => setKeyPen(undefined)}
    />
  )
}

function paint(context: CanvasRenderingContext2D, strokes: readonly Stroke[], keyPen: { at: Point; down: boolean } | undefined): void {
  context.clearRect(0, 0, RESOLUTION, RESOLUTION)
  context.lineCap = 'round'
  context.lineJoin = 'round'
  context.lineWidth = LINE
  context.strokeStyle = colorOf('--text')
  for (const stroke of strokes) {
    context.beginPath()
    const first = stroke[0]
    if (first === undefined) continue
    context.moveTo(first.x * RESOLUTION, first.y * RESOLUTION)
    for (const { x, y } of stroke) context.lineTo(x * RESOLUTION, y * RESOLUTION)
    context.stroke()
  }
  if (keyPen === undefined) return
  context.lineWidth = 5
  context.strokeStyle = colorOf('--accent')
  context.beginPath()
  context.arc(keyPen.at.x * RESOLUTION, keyPen.at.y * RESOLUTION, LINE / 2 + 6, 0, 2 * Math.PI)
  context.stroke()
  if (!keyPen.down) return
  context.fillStyle = colorOf('--accent')
  context.fill()
}
