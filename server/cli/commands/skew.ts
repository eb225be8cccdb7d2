import type { FeatureSkew } from '../../../shared/contract/skew.ts'
import { command, UsageError, versionOf } from '../command.ts'

const figure = (x: number | null): string => (x === null ? '-' : String(Number(x.toPrecision(3))))

export const skew = command({
  name: 'skew',
  description: 'Training data of a version beside what devices met; exit code 1 where they differ',
  args: {
    model: { type: 'positional', required: true, description: 'Name of the model' },
    version: { type: 'positional', required: true, description: 'Its version' },
    threshold: { type: 'string', description: 'Also fail above this Jensen-Shannon divergence (0 to 1)', valueHint: 'number' },
  },
  async run({ args, client, output }) {
    const threshold = args.threshold === undefined ? undefined : Number(args.threshold)
    if (threshold !== undefined && !(threshold >= 0 && threshold <= 1)) throw new UsageError(`${args.threshold} is no number from 0 to 1`)
    const report = await client('monitoring.skew', { params: { model: args.model, version: String(versionOf(args.version)) } })
    const isOff = ({ status, jensenShannonDivergence }: FeatureSkew): boolean =>
      status === 'drift' || (threshold !== undefined && (jensenShannonDivergence ?? 0) > threshold)
    output.table(
      report.features,
      [
        { title: 'FEATURE', value: ({ feature }) => feature },
        { title: 'TRAINING', value: ({ training }) => training, right: true },
        { title: 'SERVING', value: ({ serving }) => serving, right: true },
        { title: 'JSD', value: ({ jensenShannonDivergence }) => figure(jensenShannonDivergence), right: true },
        { title: 'L-INF', value: ({ infinityNorm }) => figure(infinityNorm), right: true },
        { title: 'P', value: ({ p }) => figure(p), right: true },
        { title: 'STATE', value: (each) => (isOff(each) ? 'skewed' : each.status) },
        { title: 'IN WORDS', value: ({ sentence }) => sentence },
      ],
      report,
      'the version monitors no inputs',
    )
    return report.features.some(isOff) ? 1 : 0
  },
})
