import type { Rollout } from '../../../shared/contract/rollouts.ts'
import { command, type Group, versionOf } from '../command.ts'
import { fieldsText, timeText } from '../output.ts'

const ROLLOUT = { type: 'positional', required: true, description: 'Its id' } as const
const REASON = { type: 'string', description: 'Why, for the record', required: true } as const

const list = command({
  name: 'list',
  description: 'List rollouts, newest first',
  args: { model: { type: 'string', description: 'Only of this model', valueHint: 'name' } },
  async run({ args, client, output }) {
    const { items } = await client('rollouts.list', { query: args.model === undefined ? {} : { model: args.model } })
    output.table(
      items,
      [
        { title: 'ROLLOUT', value: (rollout) => rollout.id },
        { title: 'MODEL', value: (rollout) => rollout.model },
        { title: 'VERSIONS', value: (rollout) => `${rollout.stable}→${rollout.candidate}` },
        { title: 'STATE', value: (rollout) => rollout.state },
        { title: 'SHARE', value: (rollout) => `${Math.round(rollout.share * 100)} %`, right: true },
        { title: 'STARTED', value: (rollout) => timeText(rollout.created) },
        { title: 'EVIDENCE', value: (rollout) => rollout.decision?.reason ?? rollout.evidence?.sentence ?? '-' },
      ],
      items,
      'no rollouts yet: `npx shoal rollouts start MODEL VERSION --reason …`',
    )
    return 0
  },
})

const show = command({
  name: 'show',
  description: 'One rollout with its evidence',
  args: { rollout: ROLLOUT },
  async run({ args, client, output }) {
    const whole = await client('rollouts.get', { params: { rollout: args.rollout } })
    output.answer(whole, () =>
      [summaryOf(whole.rollout), ...whole.history.map((look) => `${timeText(look.at)}  stage ${look.stage}  ${look.sentence}`)].join('\n'),
    )
    return 0
  },
})

const start = command({
  name: 'start',
  description: 'Send a version to a share of the devices first',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: true, description: 'The candidate' },
    alias: { type: 'string', description: 'Which alias it shall take over', default: 'stable' },
    mode: { type: 'enum', options: ['canary', 'ab', 'shadow'], default: 'canary', description: 'How devices meet it' },
    reason: REASON,
  },
  async run({ args, client, output }) {
    const body = { candidate: versionOf(args.version), alias: args.alias, mode: args.mode, reason: args.reason }
    const rollout = await client('rollouts.start', { params: { model: args.model }, body })
    output.answer(rollout, () => summaryOf(rollout))
    return 0
  },
})

const decide = (name: 'promote' | 'rollback', description: string) =>
  command({
    name,
    description,
    args: { rollout: ROLLOUT, reason: REASON },
    async run({ args, client, output }) {
      const rollout = await client(`rollouts.${name}`, { params: { rollout: args.rollout }, body: { reason: args.reason } })
      output.answer(rollout, () => summaryOf(rollout))
      return 0
    },
  })

const summaryOf = (rollout: Rollout): string =>
  fieldsText([
    ['rollout', rollout.id],
    ['model', `${rollout.model} ${rollout.alias}: ${rollout.stable} → ${rollout.candidate} (${rollout.mode})`],
    ['state', `${rollout.state}, stage ${rollout.stage}, ${Math.round(rollout.share * 100)} % of the devices`],
    ['evidence', rollout.evidence?.sentence ?? 'none yet'],
    ['decision', rollout.decision ? `${rollout.decision.by}: ${rollout.decision.reason}` : 'none yet'],
  ])

export const rollouts: Group = {
  name: 'rollouts',
  description: 'Rollouts: list, show, start, promote, rollback',
  commands: [
    list,
    show,
    start,
    decide('promote', 'Make the candidate the stable version now'),
    decide('rollback', 'Take the candidate back now'),
  ],
  fallback: 'list',
}
