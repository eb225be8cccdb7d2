import type { RunSummary, StepSummary } from '../../shared/contract/pipelines.ts'
import type { Alert, FeatureDrift } from '../../shared/contract/monitoring.ts'
import type { Rollout } from '../../shared/contract/rollouts.ts'
import { Badge, type Tone } from '../ui/badge.tsx'

/** One word and one tone for each state, the same on every page. */
export const STEP_TONES: Record<StepSummary['state'], Tone> = {
  waiting: 'neutral',
  running: 'info',
  succeeded: 'good',
  cached: 'good',
  failed: 'bad',
  skipped: 'neutral',
  stopped: 'warn',
  cancelled: 'neutral',
}
const RUN_TONES: Record<RunSummary['state'], Tone> = {
  queued: 'neutral',
  running: 'info',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'neutral',
  stopped: 'warn',
}
const ROLLOUT_TONES: Record<Rollout['state'], Tone> = { running: 'info', promoted: 'good', 'rolled-back': 'bad', inconclusive: 'warn' }
export const DRIFT_TONES: Record<FeatureDrift['status'], Tone> = { ok: 'good', watch: 'warn', drift: 'bad', insufficient: 'neutral' }
const DRIFT_WORDS: Record<FeatureDrift['status'], string> = { ok: 'ok', watch: 'watch', drift: 'drift', insufficient: 'not enough devices' }
const SEVERITY_TONES: Record<Alert['severity'], Tone> = { info: 'info', warning: 'warn', critical: 'bad' }

export const RunState = ({ state }: { state: RunSummary['state'] }) => (
  <Badge tone={RUN_TONES[state]} live={state === 'running'}>
    {state}
  </Badge>
)
export const StepState = ({ state }: { state: StepSummary['state'] }) => (
  <Badge tone={STEP_TONES[state]} live={state === 'running'}>
    {state}
  </Badge>
)
export const RolloutState = ({ state }: { state: Rollout['state'] }) => (
  <Badge tone={ROLLOUT_TONES[state]} live={state === 'running'}>
    {state}
  </Badge>
)
export const DriftState = ({ status }: { status: FeatureDrift['status'] }) => (
  <Badge tone={DRIFT_TONES[status]}>{DRIFT_WORDS[status]}</Badge>
)
export const Severity = ({ severity }: { severity: Alert['severity'] }) => <Badge tone={SEVERITY_TONES[severity]}>{severity}</Badge>
