import { useMemo, useState } from 'preact/hooks'
import type { Rollout, RolloutEvidence } from '../../shared/contract/rollouts.ts'
import { Button } from '../ui/button.tsx'
import { Card, Facts, Figure } from '../ui/card.tsx'
import { Empty, Notice } from '../ui/states.tsx'
import { TimeSeries } from '../ui/time-series.tsx'
import { countText, exactTimeText, percentText, plural } from '../ui/value-text.ts'
import { Loaded } from './loaded.tsx'
import { linkTo } from './location.ts'
import { ofType, useResource } from './resource.ts'
import { RolloutDecisionDialog } from './rollout-decision-dialog.tsx'
import { api, may } from './session.ts'
import { RolloutState } from './state-looks.tsx'

const LOG = (value: number): string => value.toFixed(2)

/** A rollout: its stages, both arms, the evidence against the thresholds, and what a person may decide. */
export function RolloutCard({ id }: { id: string }) {
  const detail = useResource(
    `rollout ${id}`,
    (signal) => api('rollouts.get', { params: { rollout: id } }, { signal }),
    ofType('rollout', 'report'),
  )
  const [deciding, setDeciding] = useState<'promote' | 'rollback'>()
  return (
    <Loaded resource={detail} lines={8}>
      {({ rollout, history }) => (
        <Card
          title={
            <span class="row">
              <a href={linkTo(['models', rollout.model])}>{rollout.model}</a> version {rollout.candidate}, against version {rollout.stable}
              <RolloutState state={rollout.state} />
            </span>
          }
          actions={
            rollout.state !== 'running' ? undefined : (
              <>
                <Button kind="primary" icon="check" disabled={!may('releaser')} onClick={() => setDeciding('promote')}>
                  Promote
                </Button>
                <Button kind="danger" icon="undo" disabled={!may('releaser')} onClick={() => setDeciding('rollback')}>
                  Roll back
                </Button>
              </>
            )
          }
        >
          <div class="stack" style={{ gap: 'var(--s5)' }}>
            {rollout.decision === null ? null : (
              <Notice tone={rollout.state === 'promoted' ? 'good' : 'warn'}>
                <strong>{rollout.decision.reason}</strong>
                <div class="muted">
                  Decided by {rollout.decision.by}
                  {rollout.ended === null ? '' : `, ${exactTimeText(rollout.ended)}`}
                </div>
              </Notice>
            )}
            <Stages rollout={rollout} />
            {rollout.evidence === null ? (
              <Empty icon="branch" title="No evidence yet">
                Each device reports once, after its first {plural(rollout.policy.firstWindow, 'prediction')}.
              </Empty>
            ) : (
              <Evidence rollout={rollout} evidence={rollout.evidence} />
            )}
            {history.length > 0 ? <EvidencePlot rollout={rollout} history={history} /> : null}
            <details class="small">
              <summary>Policy</summary>
              <Facts
                items={[
                  ['Mode', rollout.mode],
                  ['Alias', rollout.alias],
                  ['Chance of rolling back a version that is no worse', `at most ${percentText(rollout.policy.alpha, 1)}`],
                  ['Chance of promoting one that is too bad', `at most ${percentText(rollout.policy.beta, 1)}`],
                  ['Too bad', `odds of a bad first window ${rollout.policy.oddsCeiling} times those of the stable version`],
                  ['First window', plural(rollout.policy.firstWindow, 'prediction')],
                  ['Began', exactTimeText(rollout.created)],
                ]}
              />
            </details>
          </div>
          {deciding === undefined ? null : (
            <RolloutDecisionDialog rollout={rollout} decision={deciding} onDone={detail.reload} onClose={() => setDeciding(undefined)} />
          )}
        </Card>
      )}
    </Loaded>
  )
}

const Stages = ({ rollout }: { rollout: Rollout }) => (
  <ol class="stages" role="list" aria-label="Stages">
    {rollout.policy.stages.map((stage, at) => {
      const running = rollout.state === 'running' && at === rollout.stage
      const done = at < rollout.stage || rollout.state === 'promoted'
      return (
        <li key={at} class={`stage${done ? ' stage-done' : ''}${running ? ' stage-now' : ''}`} aria-current={running ? 'step' : undefined}>
          {percentText(stage.share, 0)}
          <div>{`until ${plural(stage.minDevices, 'device')}`}</div>
        </li>
      )
    })}
  </ol>
)

function Evidence({ rollout, evidence }: { rollout: Rollout; evidence: RolloutEvidence }) {
  const arm = ({ devices, bad }: RolloutEvidence['candidate']) => ({
    value: percentText(devices === 0 ? null : bad / devices, 1),
    note: `${countText(bad)} of ${plural(devices, 'device')} had a bad first window`,
  })
  const candidate = arm(evidence.candidate)
  const stable = arm(evidence.stable)
  return (
    <div class="stack">
      {rollout.decision === null ? <p>{evidence.sentence}</p> : null}
      {evidence.needMore > 0 && rollout.state === 'running' ? (
        <Notice>Not enough devices for the next stage: need {countText(evidence.needMore)} more on the candidate.</Notice>
      ) : null}
      <div class="figures">
        <Figure label={`Candidate, version ${rollout.candidate}`} value={candidate.value} note={candidate.note} />
        <Figure label={`Stable, version ${rollout.stable}`} value={stable.value} note={stable.note} />
        <Figure
          label="Share of devices"
          value={percentText(rollout.share, 0)}
          note={`stage ${rollout.stage + 1} of ${rollout.policy.stages.length}`}
        />
        <Figure label="Went back by themselves" value={countText(evidence.selfRollbacks)} note="devices on the candidate" />
      </div>
    </div>
  )
}

/** Both e-values (natural logarithms) look by look, with the lines at which they decide. */
function EvidencePlot({ rollout, history }: { rollout: Rollout; history: readonly RolloutEvidence[] }) {
  const plot = useMemo(
    () => ({
      times: history.map(({ at }) => at),
      series: [
        { name: 'evidence of harm', color: '--series-2', values: history.map(({ logRollback }) => logRollback) },
        { name: 'evidence of no harm', color: '--series-1', values: history.map(({ logPromote }) => logPromote) },
      ],
      thresholds: [
        { name: 'rolls back at', value: Math.log(1 / rollout.policy.alpha), color: '--bad' },
        { name: 'promotes at', value: Math.log(1 / rollout.policy.beta), color: '--good' },
      ],
    }),
    [history, rollout.policy],
  )
  return (
    <div>
      <h3>Evidence</h3>
      <p class="card-hint" style={{ margin: '0 0 var(--s2)' }}>
        e-values, natural logarithm. They may be looked at as often as one likes: the bounds hold at every look.
      </p>
      <TimeSeries label="Evidence over time" {...plot} format={LOG} />
    </div>
  )
}
