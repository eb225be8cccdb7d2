import { command } from '../command.ts'
import { timeText } from '../output.ts'

export const pipelines = command({
  name: 'pipelines',
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
