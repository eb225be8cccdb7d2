import type { RUN_STATES, RunSummary } from '../../../shared/contract/pipelines.ts'
import { command } from '../command.ts'
import { durationText, fieldsText, pairsText, timeText } from '../output.ts'

export const list = command({
  name: 'list',
  description: 'List runs, newest first',
  args: {
    pipeline: { type: 'string', description: 'Only of this pipeline', valueHint: 'name' },
    state: {
      type: 'enum',
      options: ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'stopped'] satisfies (typeof RUN_STATES)[number][],
      description: 'Only in this state',
    },
    limit: { type: 'string', description: 'At most so many', valueHint: 'number', default: '20' },
    cursor: { type: 'string', description: 'Go on from here' },
  },
  async run({ args, client, output }) {
    const { pipeline, state, limit, cursor } = args
    const page = await client('runs.list', {
      query: {
        limit,
        ...(pipeline === undefined ? {} : { pipeline }),
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    })
    output.table(
      page.items,
      [
        { title: 'RUN', value: (run) => run.id },
        { title: 'PIPELINE', value: (run) => run.pipeline },
        { title: 'STATE', value: (run) => run.state },
        { title: 'TRIGGER', value: (run) => run.trigger.kind },
        { title: 'STARTED', value: (run) => timeText(run.started ?? run.created) },
        { title: 'TOOK', value: tookText, right: true },
        { title: 'WHY', value: (run) => run.error?.detail ?? run.trigger.reason },
      ],
      page,
      'no runs yet: `npx shoal runs start PIPELINE`',
    )
    if (!output.json && page.next !== null) output.note(`more: --cursor ${page.next}`)
    return 0
  },
})

export const show = command({
  name: 'show',
  description: 'One run with its steps',
  args: { run: { type: 'positional', required: true, description: 'Its id' } },
  async run({ args, client, output }) {
    const run = await client('runs.get', { params: { run: args.run } })
    if (output.json) {
      output.answer(run, () => '')
      return 0
    }
    output.line(
      fieldsText([
        ['run', run.id],
        ['pipeline', run.pipeline],
        ['state', `${run.state} ${tookText(run)}`],
        ...(run.replayOf === null ? [] : [['replay of', run.replayOf] as const]),
        ['trigger', `${run.trigger.kind} by ${run.trigger.by}: ${run.trigger.reason}`],
        ['parameters', pairsText(run.params) || '-'],
        ['metrics', pairsText(run.metrics) || '-'],
        ['environment', pairsText(run.environment) || '-'],
        ['error', run.error ? `${run.error.code}: ${run.error.detail}` : '-'],
      ]),
    )
    output.line('')
    output.table(
      run.steps,
      [
        { title: 'STEP', value: (step) => step.name },
        { title: 'STATE', value: (step) => step.state },
        { title: 'TOOK', value: tookText, right: true },
        { title: 'CACHE', value: (step) => step.cache?.why ?? '-' },
        { title: 'NOTE', value: (step) => step.error?.detail ?? step.progress?.note ?? '' },
      ],
      run,
      'its pipeline has no steps',
    )
    return 0
  },
})

const tookText = (span: Pick<RunSummary, 'started' | 'ended'>): string =>
  span.started === null || span.ended === null ? '-' : durationText(span.ended - span.started)
