import { command, UsageError, versionOf } from '../command.ts'
import { timeText } from '../output.ts'

export const alias = command({
  name: 'alias',
  description: 'Point an alias at a version; without a version, its history',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    alias: { type: 'positional', required: true, description: 'Name of the alias, such as stable' },
    version: { type: 'positional', required: false, description: 'The version it shall point at' },
    reason: { type: 'string', description: 'Why, for the history' },
    expected: { type: 'string', description: 'Refuse unless the alias points at this version now', valueHint: 'version' },
  },
  async run({ args, client, output }) {
    const params = { model: args.model, alias: args.alias }
    if (args.version === undefined) {
      const { items } = await client('aliases.history', { params })
      output.table(
        items,
        [
          { title: 'AT', value: (change) => timeText(change.at) },
          { title: 'FROM', value: (change) => change.from ?? '-', right: true },
          { title: 'TO', value: (change) => change.to, right: true },
          { title: 'BY', value: (change) => change.by },
          { title: 'REASON', value: (change) => change.reason },
        ],
        items,
        `${args.alias} of ${args.model} never pointed anywhere`,
      )
      return 0
    }
    if (args.reason === undefined) throw new UsageError('--reason is needed: it goes into the history')
    const expected = args.expected === undefined ? {} : { expected: versionOf(args.expected) }
    const change = await client('aliases.set', { params, body: { version: versionOf(args.version), reason: args.reason, ...expected } })
    output.answer(change, () => `${args.model} ${change.alias}: ${change.from ?? 'nothing'} → ${change.to}`)
    return 0
  },
})
