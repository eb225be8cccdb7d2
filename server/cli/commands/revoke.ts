import { command, versionOf } from '../command.ts'

export const revoke = command({
  name: 'revoke',
  description: 'Forbid a version everywhere: devices stop running it at their next poll',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: true, description: 'Its number' },
    reason: { type: 'string', description: 'Why, for the record', required: true },
  },
  async run({ args, client, output }) {
    const version = await client('versions.revoke', {
      params: { model: args.model, version: String(versionOf(args.version)) },
      body: { reason: args.reason },
    })
    output.answer(version, () => `revoked ${version.model} ${version.version}`)
    return 0
  },
})
