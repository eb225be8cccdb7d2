import { useState } from 'preact/hooks'
import type { RunDetail } from '../../../shared/contract/pipelines.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, Facts, Figure } from '../../ui/card.tsx'
import { Dag } from '../../ui/dag.tsx'
import { ReasonDialog } from '../../ui/reason-dialog.tsx'
import { Notice } from '../../ui/states.tsx'
import { showToast } from '../../ui/toasts.tsx'
import { durationText, exactTimeText, numberText, shortId } from '../../ui/value-text.ts'
import { toAppError } from '../../../shared/core/errors.ts'
import { Loaded } from '../loaded.tsx'
import { linkTo, place, setQuery } from '../location.ts'
import { MetricCurves } from '../metric-curves.tsx'
import { Page } from '../page.tsx'
import { ofType, useResource } from '../resource.ts'
import { RunLog } from '../run-log.tsx'
import { api, may } from '../session.ts'
import { RunState, STEP_TONES } from '../state-looks.tsx'
import { StepCard } from '../step-card.tsx'
import { runDuration } from './runs-page.tsx'

const RESUMABLE: readonly RunDetail['state'][] = ['failed', 'cancelled', 'stopped']
const CANCELLABLE: readonly RunDetail['state'][] = ['queued', 'running']

export function RunPage({ id }: { id: string }) {
  const params = { run: id }
  const run = useResource(
    `run ${id}`,
    (signal) => api('runs.get', { params }, { signal }),
    (event) => event.type.startsWith('run.') && (event.subject.includes(id) || JSON.stringify(event.data).includes(id)),
  )
  const [cancelling, setCancelling] = useState(false)
  const [resuming, setResuming] = useState(false)
  const [replaying, setReplaying] = useState(false)
  const resume = async () => {
    setResuming(true)
    try {
      await api('runs.resume', { params })
    } catch (thrown) {
      showToast({ key: 'resume', tone: 'bad', text: toAppError(thrown).detail })
    }
    setResuming(false)
    run.reload()
  }
  const replay = async () => {
    setReplaying(true)
    try {
      const again = await api('runs.replay', { params })
      location.assign(linkTo(['compare', again.id], { with: id }))
    } catch (thrown) {
      showToast({ key: 'replay', tone: 'bad', text: toAppError(thrown).detail })
    }
    setReplaying(false)
  }
  const state = run.data?.state
  return (
    <Page
      title={run.data === undefined ? 'Run' : `${run.data.pipeline} run`}
      above={{ name: 'Runs', href: linkTo(['runs']) }}
      badges={
        <>
          {state === undefined ? null : <RunState state={state} />}
          <code class="muted">{shortId(id)}</code>
        </>
      }
      lead={run.data?.trigger.reason}
      actions={
        <>
          {state !== undefined && !CANCELLABLE.includes(state) ? (
            <>
              <a class="button" href={linkTo(['compare', id])}>
                Compare
              </a>
              <Button
                icon="redo"
                busy={replaying}
                disabled={!may('editor')}
                title={
                  may('editor')
                    ? 'Do it again, nothing from the cache, and see whether the same comes out'
                    : 'Needs a key with the editor scope'
                }
                onClick={() => void replay()}
              >
                Replay
              </Button>
            </>
          ) : null}
          {state !== undefined && RESUMABLE.includes(state) ? (
            <Button icon="play" busy={resuming} disabled={!may('editor')} onClick={() => void resume()}>
              Resume
            </Button>
          ) : null}
          {state !== undefined && CANCELLABLE.includes(state) ? (
            <Button kind="danger" icon="stop" disabled={!may('editor')} onClick={() => setCancelling(true)}>
              Cancel run
            </Button>
          ) : null}
        </>
      }
    >
      <Loaded resource={run} lines={8}>
        {(data) => <RunBody run={data} />}
      </Loaded>
      {cancelling ? (
        <ReasonDialog
          title="Cancel this run"
          action="Cancel run"
          danger
          onConfirm={async (reason) => {
            await api('runs.cancel', { params, body: { reason } })
            run.reload()
          }}
          onClose={() => setCancelling(false)}
        >
          <p class="small muted">Steps that have finished stay in the cache; the run can be resumed from there.</p>
        </ReasonDialog>
      ) : null}
    </Page>
  )
}

/** The step one most likely wants to see: the one that failed or runs, else the last that did something. */
const interesting = (run: RunDetail): string | null =>
  (
    run.steps.find((step) => step.state === 'failed' || step.state === 'stopped') ??
    run.steps.find((step) => step.state === 'running') ??
    run.steps.findLast((step) => step.state !== 'waiting')
  )?.name ??
  run.steps[0]?.name ??
  null

function RunBody({ run }: { run: RunDetail }) {
  const selected = place.value.query.get('step') ?? interesting(run)
  const step = run.steps.find((one) => one.name === selected)
  const finished = run.steps.filter((one) => one.state === 'succeeded' || one.state === 'cached').length
  const metrics = Object.entries(run.metrics)
  const values = useResource(`values ${run.id}`, (signal) => api('runs.values', { params: { run: run.id } }, { signal }), ofType('run'))
  return (
    <>
      {run.error === null ? null : (
        <Notice tone={run.state === 'stopped' ? 'warn' : 'bad'}>
          <strong>{run.error.detail}</strong>
          <div class="muted">
            Code <code>{run.error.code}</code>
            {run.error.step === null ? null : ` in step ${run.error.step}`}
          </div>
        </Notice>
      )}
      <Card>
        <div class="figures">
          <Figure
            label="Steps done"
            value={`${finished} of ${run.steps.length}`}
            note={`${run.steps.filter((one) => one.state === 'cached').length} from the cache`}
          />
          <Figure label="Duration" value={runDuration(run)} note={run.started === null ? 'not started' : exactTimeText(run.started)} />
          <Figure label="Trigger" value={<Badge tone="accent">{run.trigger.kind}</Badge>} note={`by ${run.trigger.by}`} />
          {metrics.slice(0, 3).map(([name, value]) => (
            <Figure key={name} label={name} value={numberText(value)} />
          ))}
        </div>
      </Card>
      <div class="run-columns">
        <Card title="Steps">
          <Dag
            label="Steps of the run"
            selected={selected}
            onSelect={(name) => setQuery({ step: name })}
            items={run.steps.map((one) => ({
              name: one.name,
              after: one.after,
              state: one.state,
              tone: STEP_TONES[one.state],
              note: noteOf(one),
              progress:
                one.state === 'running' && one.progress !== null && one.progress.total > 0
                  ? Math.min(1, one.progress.done / one.progress.total)
                  : null,
            }))}
          />
        </Card>
        <div class="stack">
          {step === undefined ? null : <StepCard step={step} key={step.name} />}
          {values.data === undefined ? null : <MetricCurves runs={[run.id]} metrics={Object.keys(values.data.metrics)} />}
          <RunLog run={run.id} steps={run.steps.map(({ name }) => name)} live={run.state === 'running' || run.state === 'queued'} />
          {metrics.length === 0 ? null : (
            <Card title="Metrics">
              <Facts items={metrics.map(([name, value]) => [name, <span class="numeric">{numberText(value)}</span>])} />
            </Card>
          )}
          <Card title="Settings of this run">
            <Facts
              items={[
                ['Run', <code>{run.id}</code>],
                ['Pipeline', <a href={linkTo(['pipelines', run.pipeline])}>{run.pipeline}</a>],
                ['Definition', <code>{run.pipelineDigest.slice(0, 12)}</code>],
                ...(run.replayOf === null
                  ? []
                  : ([['Replay of', <a href={linkTo(['compare', run.id], { with: run.replayOf })}>{shortId(run.replayOf)}</a>]] as const)),
                ['Seed', String(run.seed)],
                ...Object.entries(run.environment).map(([name, value]) => [name, <code class="break">{value}</code>] as const),
                ['Parameters', Object.keys(run.params).length === 0 ? 'the defaults' : <code>{JSON.stringify(run.params)}</code>],
              ]}
            />
          </Card>
        </div>
      </div>
    </>
  )
}

function noteOf(step: RunDetail['steps'][number]): string {
  if (step.state === 'running' && step.progress !== null && step.progress.total > 0)
    return `${Math.floor((100 * step.progress.done) / step.progress.total)} %`
  return step.started !== null && step.ended !== null && step.state !== 'cached' ? durationText(step.ended - step.started) : ''
}
