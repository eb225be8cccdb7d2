import { command, type Group } from '../command.ts'
import { timeText } from '../output.ts'

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
  description: 'Pipelines: list, validate a file of your own',
  commands: [list, validate],
  fallback: 'list',
}
