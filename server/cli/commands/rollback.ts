import { command } from '../command.ts'

export const rollback = command({
  name: 'rollback',
  description: 'Take an alias back to the version before, for the whole fleet',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    alias: { type: 'string', description: 'Which alias', default: 'stable' },
    reason: { type: 'string', description: 'Why, for the history', required: true },
  },
  async run({ args, client, output }) {
    const change = await client('aliases.rollback', { params: { model: args.model, alias: args.alias }, body: { reason: args.reason } })
    output.answer(change, () => `${args.model} ${change.alias}: ${change.from ?? 'nothing'} → ${change.to}`)
    return 0
  },
})
