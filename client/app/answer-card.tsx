import { Bars } from '../ui/bars.tsx'
import { Card } from '../ui/card.tsx'
import { Empty, ErrorNotice } from '../ui/states.tsx'
import { durationText, percentText } from '../ui/value-text.ts'
import type { Asking } from './asking.ts'
import { Correction } from './correction.tsx'
import { loadState, model } from './device.ts'
import { LoadProgress } from './load-progress.tsx'

/** From which confidence on the answer is called what. */
const SURENESS = [
  { from: 0.9, word: 'Sure' },
  { from: 0.6, word: 'Fairly sure' },
  { from: 0, word: 'A guess' },
] as const

/** What the model says, how sure it is of each digit, who answered, and whether it was right. */
export function AnswerCard({ asking, empty, onRetry }: { asking: Asking; empty: boolean; onRetry: () => void }) {
  return (
    <Card title="Answer">
      {asking.state === 'failed' ? (
        <ErrorNotice error={asking.error} onRetry={onRetry} />
      ) : loadState.value.phase !== 'ready' ? (
        <LoadProgress state={loadState.value} />
      ) : asking.state === 'answered' ? (
        <Answered answer={asking.answer} />
      ) : (
        <div class="answer-wait">
          <Empty icon="pulse" title={empty ? 'Nothing drawn yet' : 'Reading…'}>
            {empty ? 'The answer appears here, with how sure the model is of each digit.' : undefined}
          </Empty>
        </div>
      )}
    </Card>
  )
}

function Answered({ answer }: { answer: Extract<Asking, { state: 'answered' }>['answer'] }) {
  const labels = model.value?.labels ?? []
  return (
    <div class="stack" style={{ gap: 'var(--s5)' }}>
      <div class="answer">
        <div class="answer-label" role="status" aria-label={`The answer is ${answer.label}, ${percentText(answer.confidence, 0)} sure`}>
          {answer.label}
        </div>
        <div>
          <div class="answer-sure">
            {SURENESS.find(({ from }) => answer.confidence >= from)?.word}, {percentText(answer.confidence, 1)}
          </div>
          <div class="small muted">
            Version {answer.version} on {BACKEND_NAMES[answer.backend]}, {durationText(answer.ms)}
          </div>
        </div>
      </div>
      <Bars label="Probability of each digit" items={labels.map((name, at) => ({ name, share: answer.probabilities[at] ?? 0 }))} />
      <Correction answer={answer} labels={labels} />
    </div>
  )
}

export const BACKEND_NAMES: Readonly<Record<string, string>> = { webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'plain JavaScript' }
