import { SAMPLE_DIGITS } from './sample-digits.ts'
import type { Stroke } from './strokes.ts'

const pathOf = (strokes: readonly Stroke[]): string =>
  strokes.map((stroke) => `M${stroke.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`).join('L')}`).join('')

/** Written digits to start from: a way in that needs no pointer. */
export const SampleStrip = ({ onPick }: { onPick: (strokes: readonly Stroke[]) => void }) => (
  <div class="samples" role="group" aria-label="Sample digits">
    {SAMPLE_DIGITS.map((strokes, digit) => (
      <button key={digit} type="button" class="sample" aria-label={`Sample ${digit}`} onClick={() => onPick(strokes)}>
        <svg viewBox="0.1 0.1 0.8 0.8" width="26" height="26" aria-hidden="true">
          <path d={pathOf(strokes)} fill="none" stroke="currentColor" stroke-width="0.08" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
      </button>
    ))}
  </div>
)
