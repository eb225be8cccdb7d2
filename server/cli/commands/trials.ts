import { command } from '../command.ts'
import { pairsText } from '../output.ts'

export const trials = command({
  name: 'trials',
  description: 'Trials of searches for the best parameters, best first',
  args: {
    run: { type: 'string', description: 'Of this run', valueHint: 'run' },
    pipeline: { type: 'string', description: 'Of all runs of this pipeline', valueHint: 'pipeline' },
    where: { type: 'string', description: 'Such as "params.learningRate.rate < 0.01 and state = complete"', valueHint: 'comparisons' },
    limit: { type: 'string', description: 'At most so many (default: 20)', valueHint: 'number' },
  },
  async run({ args, client, output }) {
    const { run, pipeline, where, limit = '20' } = args
    const given = Object.fromEntries(Object.entries({ run, pipeline, where, limit }).filter(([, value]) => value !== undefined))
    const answer = await client('trials.list', { query: given })
    output.table(
      answer.items,
      [
        { title: 'SCORE', value: ({ score }) => (score === null ? '-' : score.toFixed(4)), right: true },
        { title: 'TRIAL', value: ({ number }) => number + 1, right: true },
        { title: 'STATE', value: ({ state }) => state },
        { title: 'EPOCHS', value: ({ rungs }) => rungs.at(-1)?.epochs ?? '-', right: true },
        { title: 'RUN', value: (trial) => trial.run },
        { title: 'PARAMETERS', value: ({ params }) => pairsText(params) },
        { title: 'ERROR', value: ({ error }) => error ?? '' },
      ],
      answer,
      'no trials: a pipeline with a tune step makes them',
    )
    return 0
  },
})
