import { command, versionOf } from '../command.ts'
import { bytesText } from '../../analysis/figures.ts'
import { fieldsText, pairsText, timeText } from '../output.ts'

export const versions = command({
  name: 'versions',
  description: 'Versions of a model, newest first; or one of them',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: false, description: 'A number, for one version' },
  },
  async run({ args, client, output }) {
    if (args.version !== undefined) {
      const one = await client('versions.get', { params: { model: args.model, version: String(versionOf(args.version)) } })
      output.answer(one, () =>
        fieldsText([
          ['version', `${one.model} ${one.version}`],
          ['aliases', one.aliases.join(', ') || '-'],
          ['parent', String(one.parent ?? '-')],
          ['created', timeText(one.created)],
          ['size', bytesText(one.bytes)],
          ['metrics', pairsText(one.metrics) || '-'],
          ['run', one.run ?? '-'],
          ['manifest', one.manifest],
          ['revoked', one.revoked ? `${timeText(one.revoked.at)}: ${one.revoked.reason}` : 'no'],
          ['notes', one.notes || '-'],
        ]),
      )
      return 0
    }
    const { items } = await client('versions.list', { params: { model: args.model } })
    output.table(
      items,
      [
        { title: 'VERSION', value: (each) => each.version, right: true },
        { title: 'ALIASES', value: (each) => each.aliases.join(',') || '-' },
        { title: 'PARENT', value: (each) => each.parent ?? '-', right: true },
        { title: 'SIZE', value: (each) => bytesText(each.bytes), right: true },
        { title: 'CREATED', value: (each) => timeText(each.created) },
        { title: 'STATE', value: (each) => (each.revoked ? 'revoked' : 'good') },
        { title: 'METRICS', value: (each) => pairsText(each.metrics) },
      ],
      items,
      `${args.model} has no versions yet`,
    )
    return 0
  },
})
