import type { KEY_SCOPES } from '../../../shared/contract/route.ts'
import { command, type Group, UsageError } from '../command.ts'
import { timeText } from '../output.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const list = command({
  name: 'list',
  description: 'List API keys',
  async run({ client, output }) {
    const { items } = await client('keys.list')
    output.table(
      items,
      [
        { title: 'KEY', value: (key) => key.id },
        { title: 'NAME', value: (key) => key.name },
        { title: 'SCOPE', value: (key) => key.scope },
        { title: 'CREATED', value: (key) => timeText(key.created) },
        { title: 'EXPIRES', value: (key) => timeText(key.expires) },
        { title: 'LAST USED', value: (key) => timeText(key.lastUsed) },
        { title: 'REVOKED', value: (key) => timeText(key.revoked) },
      ],
      items,
      'no keys',
    )
    return 0
  },
})

const create = command({
  name: 'create',
  description: 'Make a key; its secret is shown this once',
  args: {
    name: { type: 'positional', required: true, description: 'Whom or what it is for' },
    scope: {
      type: 'enum',
      options: ['viewer', 'editor', 'releaser', 'admin'] satisfies (typeof KEY_SCOPES)[number][],
      default: 'viewer',
      description: 'What it may do',
    },
    days: { type: 'string', description: 'Expires after so many days', valueHint: 'number' },
  },
  async run({ args, client, output, cli }) {
    const expires = args.days === undefined ? {} : { expires: cli.clock.now() + daysOf(args.days) * DAY_MS }
    const made = await client('keys.create', { body: { name: args.name, scope: args.scope, ...expires } })
    // the secret alone on stdout, so that KEY=$(npx shoal keys create …) works
    if (!output.json) output.note(`${made.key.id} ${made.key.name} (${made.key.scope}); keep this, it is not shown again:`)
    output.answer(made, () => made.secret)
    return 0
  },
})

const revoke = command({
  name: 'revoke',
  description: 'Revoke a key',
  args: { key_id: { type: 'positional', required: true, description: 'Its id (key_…), as `shoal keys` lists it' } },
  async run({ args, client, output }) {
    await client('keys.revoke', { params: { key: args.key_id } })
    output.answer({ revoked: args.key_id }, () => `revoked ${args.key_id}`)
    return 0
  },
})

const self = command({
  name: 'self',
  description: 'What the key in use may do',
  async run({ client, output }) {
    const key = await client('keys.self')
    output.answer(key, () => `${key.id} ${key.name}: ${key.scope}, expires ${timeText(key.expires)}`)
    return 0
  },
})

function daysOf(text: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) throw new UsageError(`--days ${text}: a whole number from 1`)
  return Number(text)
}

export const keys: Group = {
  name: 'keys',
  description: 'API keys: list, create, revoke, self',
  commands: [list, create, revoke, self],
  fallback: 'list',
}
