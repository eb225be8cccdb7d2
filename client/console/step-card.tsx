import type { ArtifactSummary, StepSummary } from '../../shared/contract/pipelines.ts'
import { Badge } from '../ui/badge.tsx'
import { Card, Facts } from '../ui/card.tsx'
import { Progress } from '../ui/progress.tsx'
import { Notice } from '../ui/states.tsx'
import { durationText } from '../ui/value-text.ts'
import { ArtifactRow } from './artifact-row.tsx'
import { now } from './now.ts'
import { StepState } from './state-looks.tsx'

/** One step: how it stands, why its result was or was not taken from the cache, what it made. */
export function StepCard({ step }: { step: StepSummary }) {
  const outputs = Object.entries(step.outputs)
  const params = Object.entries(step.params)
  return (
    <Card title={step.name} actions={<StepState state={step.state} />}>
      <div class="stack">
        {step.progress === null || step.state !== 'running' ? null : (
          <div class="stack-tight">
            <Progress label={`Progress of ${step.name}`} done={step.progress.done} total={step.progress.total} />
            <span class="small muted">{step.progress.note}</span>
          </div>
        )}
        {step.error === null ? null : (
          <Notice tone={step.state === 'stopped' ? 'warn' : 'bad'}>
            <strong>{step.error.detail}</strong>
            <div class="muted">
              Code <code>{step.error.code}</code>
            </div>
          </Notice>
        )}
        <Facts
          items={[
            ['Component', `${step.component} ${step.componentVersion}`],
            ['After', step.after.length === 0 ? 'nothing: a first step' : step.after.join(', ')],
            ['Duration', step.started === null ? '–' : durationText(Math.max(0, (step.ended ?? now.value) - step.started))],
            ['Attempts', String(step.attempts)],
            [
              'Cache',
              step.cache === null ? (
                'not decided yet'
              ) : (
                <span>
                  <Badge tone={step.cache.hit ? 'good' : 'neutral'}>{step.cache.hit ? 'hit' : 'miss'}</Badge> {step.cache.why}{' '}
                  <code class="muted">key {step.cache.key.slice(0, 10)}</code>
                </span>
              ),
            ],
            ...(params.length === 0
              ? []
              : ([['Parameters', <code>{params.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('  ')}</code>]] as const)),
          ]}
        />
        {outputs.length === 0 ? null : (
          <div>
            <h3>Artifacts</h3>
            <ul role="list" class="list-links">
              {outputs.map(([name, artifact]: [string, ArtifactSummary]) => (
                <ArtifactRow key={artifact.id} name={name} artifact={artifact} />
              ))}
            </ul>
          </div>
        )}
      </div>
    </Card>
  )
}
