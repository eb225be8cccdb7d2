import { openAsBlob } from 'node:fs'
import { extname } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'
import { command, type Group, UsageError } from '../command.ts'
import { bytesText, timeText } from '../output.ts'

const TYPES: Record<string, string> = { '.parquet': 'application/vnd.apache.parquet', '.csv': 'text/csv' }
const DATASET = { type: 'positional', required: true, description: 'Name of the dataset' } as const

const list = command({
  name: 'list',
  description: 'List datasets',
  async run({ client, output }) {
    const { items } = await client('datasets.list')
    output.table(
      items,
      [
        { title: 'DATASET', value: (dataset) => dataset.name },
        { title: 'ROWS', value: (dataset) => dataset.rows, right: true },
        { title: 'SPANS', value: (dataset) => dataset.spans.length, right: true },
        { title: 'SIZE', value: (dataset) => bytesText(dataset.spans.reduce((sum, span) => sum + span.bytes, 0)), right: true },
        { title: 'CREATED', value: (dataset) => timeText(dataset.created) },
        { title: 'DESCRIPTION', value: (dataset) => dataset.description },
      ],
      items,
      'no datasets yet: `npx shoal datasets create NAME`',
    )
    return 0
  },
})

const show = command({
  name: 'show',
  description: 'One dataset with its spans',
  args: { dataset: DATASET },
  async run({ args, client, output }) {
    const dataset = await client('datasets.get', { params: { dataset: args.dataset } })
    output.table(
      dataset.spans,
      [
        { title: 'SPAN', value: (span) => span.span, right: true },
        { title: 'ROWS', value: (span) => span.rows, right: true },
        { title: 'SIZE', value: (span) => bytesText(span.bytes), right: true },
        { title: 'ARRIVED', value: (span) => timeText(span.created) },
        { title: 'SOURCE', value: (span) => span.source },
      ],
      dataset,
      `${dataset.name} holds nothing yet: \`npx shoal datasets upload ${dataset.name} FILE\``,
    )
    return 0
  },
})

const create = command({
  name: 'create',
  description: 'Make a dataset',
  args: {
    name: { type: 'positional', required: true, description: 'Lower-case letters, digits, single hyphens' },
    description: { type: 'string', description: 'What it holds' },
  },
  async run({ args, client, output }) {
    const dataset = await client('datasets.create', { body: { name: args.name, description: args.description ?? '' } })
    output.answer(dataset, () => `made dataset ${dataset.name}`)
    return 0
  },
})

const upload = command({
  name: 'upload',
  description: 'Add a file of rows: Parquet, or CSV with a header line',
  args: { dataset: DATASET, file: { type: 'positional', required: true, description: 'Path of a .parquet or .csv file' } },
  async run({ args, client, output }) {
    const type = TYPES[extname(args.file).toLowerCase()]
    if (type === undefined) throw new UsageError(`${args.file} is neither .parquet nor .csv`)
    const body = await fileOf(args.file, type)
    const span = await client('spans.upload', { params: { dataset: args.dataset }, body, type })
    output.answer(span, () => `span ${span.span} of ${args.dataset}: ${span.rows} rows, ${bytesText(span.bytes)}`)
    return 0
  },
})

/** The file as a body that is read while it is sent. */
async function fileOf(path: string, type: string): Promise<Blob> {
  try {
    return await openAsBlob(path, { type })
  } catch (cause) {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  }
}

export const datasets: Group = {
  name: 'datasets',
  description: 'Datasets: list, show, create, upload',
  commands: [list, show, create, upload],
  fallback: 'list',
}
