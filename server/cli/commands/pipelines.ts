import { command, type Group } from '../command.ts'
import { durationText, timeText } from '../output.ts'

const list = command({
  name: 'list',
  description: 'List pipelines: steps, triggers, last run',
  async run({ client, output }) {
    const { items } = await client('pipelines.list')
    output.table(
      items,
      [
        { title: 'PIPELINE', value: (pipeline) => pipeline.name },
        { title: 'STEPS', value: (pipeline) => pipeline.steps.length, right: true },
        {
          title: 'TRIGGERS',
          value: (pipeline) =>
            pipeline.triggers
              .filter((trigger) => trigger.enabled)
              .map((trigger) => trigger.kind)
              .join(',') || '-',
        },
        {
          title: 'LAST RUN',
          value: (pipeline) => (pipeline.lastRun ? `${pipeline.lastRun.state} ${timeText(pipeline.lastRun.created)}` : '-'),
        },
        { title: 'DESCRIPTION', value: (pipeline) => pipeline.description },
      ],
      items,
      'no pipelines are defined',
    )
    return 0
  },
})

const maturity = command({
  name: 'maturity',
  description: 'How far a pipeline works by itself (level 0, 1 or 2), and what the next level lacks',
  args: { pipeline: { type: 'positional', required: true, description: 'Name of the pipeline' } },
  async run({ args, client, output }) {
    const found = await client('pipelines.maturity', { params: { pipeline: args.pipeline } })
    if (!output.json) {
      const time = found.newDataToNewModelMs
      output.line(`level ${found.level}; from new data to a new model: ${time === null ? 'no such run yet' : durationText(time)}`)
      output.line('')
    }
    output.table(
      found.checks,
      [
        { title: 'LEVEL', value: (check) => check.level, right: true },
        { title: 'HOLDS', value: (check) => (check.holds ? 'yes' : 'no') },
        { title: 'WHAT', value: (check) => check.what },
        { title: 'WHY', value: (check) => check.why },
      ],
      found,
      'nothing is checked',
    )
    return 0
  },
})

const validate = command({
  name: 'validate',
  description: 'Check a file of pipelines: names, wiring, types, parameters, triggers; asks no server',
  args: { file: { type: 'positional', required: true, description: 'A module that exports a list named pipelines' } },
  async run({ args, output }) {
    // components and their libraries: loaded for this command alone
    const { loadPipelines } = await import('../../pipeline/load-pipelines.ts')
    const found = await loadPipelines(args.file)
    output.table(
      found.map(({ name, steps, triggers }) => ({ name, steps: Object.keys(steps), triggers: Object.keys(triggers) })),
      [
        { title: 'PIPELINE', value: (one) => one.name },
        { title: 'STEPS', value: (one) => one.steps.join(' > ') },
        { title: 'TRIGGERS', value: (one) => one.triggers.join(',') || '-' },
      ],
      { file: args.file, pipelines: found.map(({ name }) => name) },
      'the file has no pipelines',
    )
    if (!output.json) output.note(`${found.length === 1 ? 'it holds' : 'they hold'} together: \`npx shoal serve --pipelines ${args.file}\``)
    return 0
  },
})

export const pipelines: Group = {
  name: 'pipelines',
  description: 'Pipelines: list, maturity, validate a file of your own',
  commands: [list, maturity, validate],
  fallback: 'list',
}
