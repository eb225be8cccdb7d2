import { resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { command, UsageError } from '../command.ts'

const DAY = /^\d{4}-\d\d-\d\d$/

export const exampleData = command({
  name: 'example-data',
  description: 'Write rows of a shipped example to a Parquet file, to upload; asks no server',
  args: {
    example: { type: 'positional', required: true, description: 'flights (US flights of January to June 2001) or digits (MNIST)' },
    out: { type: 'string', required: true, description: 'The file to write', valueHint: 'rows.parquet' },
    from: { type: 'string', description: 'First day of the flights', default: '2001-01-01', valueHint: 'day' },
    until: { type: 'string', description: 'The day after the last', default: '2001-07-02', valueHint: 'day' },
    every: { type: 'string', description: 'One of how many flights; 15 makes 200,000 of all days', default: '15', valueHint: 'number' },
  },
  async run({ args: { example, out, from, until, every }, output }) {
    if (example !== 'flights' && example !== 'digits') throw new UsageError(`there is no example ${example}: flights or digits`)
    for (const day of [from, until]) if (!DAY.test(day)) throw new UsageError(`${day} is not a day such as 2001-01-31`)
    if (!/^[1-9]\d{0,4}$/.test(every)) throw new UsageError(`${every} is not a whole number above 0`)
    // DuckDB is heavy: loaded for this command alone
    const { inFolder } = await import('../../datasets/span-files.ts')
    const { copyFile } = await import('node:fs/promises')
    const rows = await inFolder(tmpdir(), async (folder) => {
      const path = `${folder}/rows.parquet`
      const count =
        example === 'digits'
          ? await (await import('../../pipelines/digits-data.ts')).writeDigits(path, folder)
          : await (await import('../../pipelines/flights-data.ts')).writeFlights(path, folder, { from, until, every: Number(every) })
      await copyFile(path, resolve(out))
      return count
    })
    output.answer({ file: out, rows }, () => `wrote ${rows} rows to ${out}: \`npx shoal datasets upload ${example} ${out}\``)
    return 0
  },
})
