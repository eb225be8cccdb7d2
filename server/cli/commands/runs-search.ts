import type { FoundRun } from '../../../shared/contract/tracking.ts'
import { command } from '../command.ts'
import { pairsText, timeText } from '../output.ts'

const LIMIT = { type: 'string', description: 'At most so many', valueHint: 'number', default: '20' } as const

export const search = command({
  name: 'search',
  description: 'Find runs by metrics, parameters, tags and attributes, failed ones too',
  args: {
    filter: {
      type: 'positional',
      required: false,
      description: `Comparisons joined by and: "metrics.accuracy > 0.9 and params.optimizer = 'adam' and state = 'failed'"`,
    },
    order: { type: 'string', description: 'Such as "metrics.accuracy desc"', valueHint: 'field' },
    metric: { type: 'string', description: 'Show only these, separated by commas', valueHint: 'names' },
    limit: LIMIT,
    cursor: { type: 'string', description: 'Go on from here' },
  },
  async run({ args, client, output }) {
    const { filter, order, limit, cursor } = args
    const page = await client('runs.search', {
      query: {
        limit,
        ...(filter === undefined ? {} : { filter }),
        ...(order === undefined ? {} : { order }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    })
    const names = args.metric?.split(',').map((name) => name.trim())
    output.table(
      page.items,
      [
        { title: 'RUN', value: ({ run }) => run.id },
        { title: 'PIPELINE', value: ({ run }) => run.pipeline },
        { title: 'STATE', value: ({ run }) => run.state },
        { title: 'CREATED', value: ({ run }) => timeText(run.created) },
        { title: 'METRICS', value: (found) => metricsText(found, names) },
        { title: 'PARAMETERS', value: ({ params }) => pairsText(params) || '-' },
      ],
      page,
      'no run fits',
    )
    if (!output.json && page.next !== null) output.note(`more: --cursor ${page.next}`)
    return 0
  },
})

/** Metrics shown where none were asked for. */
const SHOWN = 4

const metricsText = ({ metrics: all }: FoundRun, names = Object.keys(all).slice(0, SHOWN)): string =>
  pairsText(Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])))) || '-'

export const metrics = command({
  name: 'metrics',
  description: 'Metrics of a run: the latest of each, or every value of one',
  args: {
    run: { type: 'positional', required: true, description: 'Its id' },
    metric: { type: 'positional', required: false, description: 'Name of one metric' },
  },
  async run({ args, client, output }) {
    if (args.metric === undefined) {
      const found = await client('runs.values', { params: { run: args.run } })
      output.table(
        Object.entries(found.metrics),
        [
          { title: 'METRIC', value: ([name]) => name },
          { title: 'VALUE', value: ([, value]) => value, right: true },
        ],
        found.metrics,
        'this run has measured nothing yet',
      )
      return 0
    }
    const points = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query = { limit: '500', ...(cursor === undefined ? {} : { cursor }) }
      const page = await client('runs.metric', { params: { run: args.run, metric: args.metric }, query })
      points.push(...page.items)
      cursor = page.next
    }
    output.table(
      points,
      [
        { title: 'STEP', value: (point) => point.step, right: true },
        { title: 'VALUE', value: (point) => point.value, right: true },
        { title: 'AT', value: (point) => timeText(point.at) },
      ],
      points,
      `this run has not measured ${args.metric}: \`npx shoal runs metrics ${args.run}\` lists what it has`,
    )
    return 0
  },
})
