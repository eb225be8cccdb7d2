import { type ChangeDetectorName, detectorInputs } from '../../../shared/stats/change-points/detector-names.ts'
import { command, UsageError } from '../command.ts'
import { fileFormat } from '../file-format.ts'

export const changes = command({
  name: 'changes',
  description: 'At which rows of a file a column of numbers changed its ways; asks no server',
  args: {
    file: {
      type: 'positional',
      required: true,
      description: 'File of rows in the order of time (.csv, .json, .parquet, .sqlite …)',
    },
    column: { type: 'positional', required: true, description: 'The column' },
    detector: {
      type: 'string',
      default: 'adwin',
      description: `${Object.entries(detectorInputs)
        .map(([name, takes]) => `${name} (${takes})`)
        .join(', ')}`,
      valueHint: 'name',
    },
  },
  async run({ args: { file, column, detector }, output }) {
    if (!Object.hasOwn(detectorInputs, detector))
      throw new UsageError(`there is no detector ${detector}: ${Object.keys(detectorInputs).join(', ')}`)
    const format = await fileFormat(file)
    const { findChanges } = await import('../../analysis/find-changes.ts')
    const found = await findChanges(file, format, column, detector as ChangeDetectorName)
    output.table(
      found.changes.map((row) => ({ row })),
      [{ title: 'ROW', value: ({ row }) => String(row), right: true }],
      found,
      `${detector} noticed no change in ${found.rows} rows`,
    )
    return undefined
  },
})
