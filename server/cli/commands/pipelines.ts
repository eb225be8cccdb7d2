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

export const pipelines: Group = {
  name: 'pipelines',
  description: 'Pipelines: list, maturity',
  commands: [list, maturity],
  fallback: 'list',
}
