import progress from 'cli-progress'
import type { Client } from '../../shared/contract/client.ts'
import type { RunDetail, StepSummary } from '../../shared/contract/pipelines.ts'
import type { Cli } from './command.ts'
import { durationText, type Output, pairsText } from './output.ts'

const POLL_MS = 500

type Follow = { readonly run: string; readonly client: Client; readonly output: Output; readonly cli: Cli }

/** Watches a run until it has ended. A bar on a terminal, otherwise one line for each change of a step. Exit code 0 where it succeeded, else 1. */
export async function followRun({ run: id, client, output, cli }: Follow): Promise<number> {
  const view = cli.stderr.isTTY === true ? barView(cli) : lineView(output)
  try {
    for (;;) {
      const run = await client('runs.get', { params: { run: id } })
      view.show(run)
      if (run.ended !== null) {
        view.stop()
        output.answer(run, () => endText(run))
        return run.state === 'succeeded' ? 0 : 1
      }
      await cli.clock.sleep(POLL_MS)
    }
  } finally {
    view.stop()
  }
}

type View = { show(run: RunDetail): void; stop(): void }

function barView(cli: Cli): View {
  const bar = new progress.SingleBar(
    { stream: cli.stderr, format: '{bar} {percentage} %  {step}  {note}', barsize: 30, hideCursor: true, clearOnComplete: true, fps: 20 },
    progress.Presets.shades_classic,
  )
  let started = false
  return {
    show(run) {
      const current = run.steps.find((step) => step.state === 'running')
      const payload = { step: current?.name ?? run.state, note: current?.progress?.note ?? '' }
      const done = Math.round(1000 * doneShare(run.steps))
      if (started) bar.update(done, payload)
      else bar.start(1000, done, payload)
      started = true
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}

function lineView(output: Output): View {
  const seen = new Map<string, string>()
  return {
    show(run) {
      for (const step of run.steps) {
        if (seen.get(step.name) === step.state || step.state === 'waiting') continue
        seen.set(step.name, step.state)
        const took = step.started !== null && step.ended !== null ? ` ${durationText(step.ended - step.started)}` : ''
        output.note(`${step.name}: ${step.state}${took}${step.error ? ` ${step.error.code}: ${step.error.detail}` : ''}`)
      }
    },
    stop() {},
  }
}

/** Each step counts the same; a running one by its own progress. */
function doneShare(steps: readonly StepSummary[]): number {
  const done = steps.map((step) => {
    if (step.state === 'running')
      return step.progress && step.progress.total > 0 ? Math.min(1, step.progress.done / step.progress.total) : 0
    return step.state === 'waiting' ? 0 : 1
  })
  return steps.length === 0 ? 0 : done.reduce<number>((sum, each) => sum + each, 0) / steps.length
}

const endText = (run: RunDetail): string =>
  [
    `${run.id} ${run.state} in ${durationText((run.ended ?? run.created) - (run.started ?? run.created))} ${pairsText(run.metrics)}`.trimEnd(),
    ...(run.error ? [`${run.error.code}: ${run.error.detail}`] : []),
  ].join('\n')
