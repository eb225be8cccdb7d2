import { categoryTestNames, numericTestNames } from '../../../shared/stats/two-sample/test-names.ts'
import { command, UsageError } from '../command.ts'
import { fileFormat } from '../file-format.ts'

const isOne = <K extends string>(names: readonly K[], name: string): name is K => (names as readonly string[]).includes(name)
const figure = (x: number): string => String(Number(x.toPrecision(4)))

export const drift = command({
  name: 'drift',
  description: 'Whether the rows of one file differ from those of another, column by column; asks no server',
  args: {
    before: {
      type: 'positional',
      required: true,
      description: 'File of the rows as they were (.csv, .json, .parquet, .sqlite …)',
    },
    now: { type: 'positional', required: true, description: 'File of the rows as they are' },
    numbers: { type: 'string', description: `Test of numbers: ${numericTestNames.join(', ')}`, valueHint: 'test' },
    categories: { type: 'string', description: `Test of texts: ${categoryTestNames.join(', ')}`, valueHint: 'test' },
    columns: { type: 'string', description: 'These alone, with commas (default: all that both have)', valueHint: 'a,b' },
    alpha: { type: 'string', description: 'Probability of a false alarm over all columns (default 0.01)', valueHint: 'share' },
  },
  async run({ args: { before, now, numbers, categories, columns, alpha: level }, output }) {
    if (numbers !== undefined && !isOne(numericTestNames, numbers)) throw new UsageError(`there is no test of numbers named ${numbers}`)
    if (categories !== undefined && !isOne(categoryTestNames, categories))
      throw new UsageError(`there is no test of texts named ${categories}`)
    const alpha = level === undefined ? undefined : Number(level)
    if (alpha !== undefined && !(alpha > 0 && alpha < 1)) throw new UsageError(`${level} is no share between 0 and 1`)
    const [old, young] = [await fileFormat(before), await fileFormat(now)]
    const { compareFiles } = await import('../../analysis/compare-files.ts')
    const comparison = await compareFiles(
      { path: before, format: old },
      { path: now, format: young },
      {
        ...(numbers === undefined ? {} : { numbers }),
        ...(categories === undefined ? {} : { categories }),
        ...(columns === undefined ? {} : { columns: columns.split(',') }),
        ...(alpha === undefined ? {} : { alpha }),
      },
    )
    output.table(
      comparison.columns,
      [
        { title: 'COLUMN', value: ({ column }) => column },
        { title: 'TEST', value: ({ test }) => test },
        { title: 'BEFORE', value: (each) => String(each.before), right: true },
        { title: 'NOW', value: (each) => String(each.now), right: true },
        { title: 'STATISTIC', value: ({ statistic }) => figure(statistic), right: true },
        { title: 'P', value: ({ p }) => figure(p), right: true },
        { title: 'STATE', value: ({ changed }) => (changed ? 'changed' : 'same') },
      ],
      comparison,
      'the files have no column in common that can be compared',
    )
    if (!output.json) for (const { column, why } of comparison.skipped) output.note(`${column} is left out: ${why}`)
    return comparison.columns.some(({ changed }) => changed) ? 1 : 0
  },
})
