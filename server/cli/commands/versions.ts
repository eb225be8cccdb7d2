import type { VersionTest } from '../../../shared/contract/version-tests.ts'
import { must } from '../../../shared/core/assert.ts'
import { command, versionOf } from '../command.ts'
import { bytesText } from '../../analysis/figures.ts'
import { fieldsText, pairsText, timeText } from '../output.ts'

/** The latest of each kind. */
const testsText = (tests: readonly VersionTest[]): string =>
  [...new Set(tests.map(({ kind }) => kind))]
    .map((kind) => {
      const { ok, at, figures } = must(
        tests.find((one) => one.kind === kind),
        'a test of this kind',
      )
      const { qps, p95Ms } = figures
      const load = qps === undefined || p95Ms === undefined ? '' : ` (${qps} answers/s, 95 % within ${p95Ms} ms)`
      return `${kind} ${ok === null ? 'without a result' : ok ? 'passed' : 'failed'}${load} ${timeText(at)}`
    })
    .join(', ') || '-'

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
      const { items: tests } = await client('versions.tests', { params: { model: args.model, version: String(one.version) } })
      output.answer({ ...one, tests }, () =>
        fieldsText([
          ['version', `${one.model} ${one.version}`],
          ['aliases', one.aliases.join(', ') || '-'],
          ['parent', String(one.parent ?? '-')],
          ['created', timeText(one.created)],
          ['size', bytesText(one.bytes)],
          ['metrics', pairsText(one.metrics) || '-'],
          ['run', one.run ?? '-'],
          ['manifest', one.manifest],
          ['tests', testsText(tests)],
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
