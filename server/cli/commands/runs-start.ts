import { command } from '../command.ts'
import { followRun } from '../follow-run.ts'
import { paramsOf } from '../params.ts'

const FOLLOW = { type: 'boolean', description: 'Stay until the run has ended, with a progress bar' } as const
const RUN = { type: 'positional', required: true, description: 'Id of the run' } as const

export const start = command({
  name: 'start',
  description: 'Start a run',
  args: {
    pipeline: { type: 'positional', required: true, description: 'Name of the pipeline' },
    reason: { type: 'string', description: 'Why, for the record', default: 'on demand' },
    once: { type: 'string', description: 'Start no second run under this key, ever: show the first one', valueHint: 'key' },
    follow: FOLLOW,
  },
  rest: 'parameters, as name=value (a value is JSON, or else text)',
  async run({ args, rest, client, output, cli }) {
    const run = await client('runs.start', {
      params: { pipeline: args.pipeline },
      body: { params: paramsOf(rest), reason: args.reason, ...(args.once === undefined ? {} : { dedupeKey: args.once }) },
    })
    if (args.follow) return followRun({ run: run.id, client, output, cli })
    output.answer(run, () => `${run.id} ${run.state}\n\`npx shoal runs follow ${run.id}\` shows how it goes`)
    return 0
  },
})

export const resume = command({
  name: 'resume',
  description: 'Go on from the first unfinished step',
  args: { run: RUN, follow: FOLLOW },
  async run({ args, client, output, cli }) {
    const run = await client('runs.resume', { params: { run: args.run } })
    if (args.follow) return followRun({ run: run.id, client, output, cli })
    output.answer(run, () => `${run.id} ${run.state}`)
    return 0
  },
})

export const cancel = command({
  name: 'cancel',
  description: 'Stop a run',
  args: { run: RUN, reason: { type: 'string', description: 'Why, for the record', required: true } },
  async run({ args, client, output }) {
    const run = await client('runs.cancel', { params: { run: args.run }, body: { reason: args.reason } })
    output.answer(run, () => `${run.id} ${run.state}`)
    return 0
  },
})
