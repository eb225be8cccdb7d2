import { openAsBlob } from 'node:fs'
import { extname } from 'node:path'
import { AppError } from '../../../shared/core/errors.ts'
import { command, type Group, UsageError } from '../command.ts'
import { bytesText } from '../../analysis/figures.ts'
import { timeText } from '../output.ts'

const TYPES: Record<string, string> = {
  '.parquet': 'application/vnd.apache.parquet',
  '.csv': 'text/csv',
  '.tsv': 'text/tab-separated-values',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.ndjson': 'application/x-ndjson',
}
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
  description: 'Add a file of rows: Parquet, CSV with a header line, or JSON',
  args: {
    dataset: DATASET,
    file: { type: 'positional', required: true, description: 'Path of a .parquet, .csv, .tsv, .json, .jsonl or .ndjson file' },
  },
  async run({ args, client, output }) {
    const type = TYPES[extname(args.file).toLowerCase()]
    if (type === undefined) throw new UsageError(`${args.file} is neither .parquet, .csv, .tsv, .json, .jsonl nor .ndjson`)
    const body = await fileOf(args.file, type)
    const span = await client('spans.upload', { params: { dataset: args.dataset }, body, type })
    output.answer(span, () => `span ${span.span} of ${args.dataset}: ${span.rows} rows, ${bytesText(span.bytes)}`)
    return 0
  },
})

const importRows = command({
  name: 'import',
  description: 'Add rows of a database or folder that the server knows as a source; without one, list them',
  args: {
    dataset: DATASET,
    source: { type: 'positional', required: false, description: 'Name of the source' },
    table: { type: 'string', description: 'All of this table' },
    query: { type: 'string', description: 'What this SELECT gives', valueHint: 'sql' },
    file: { type: 'string', description: 'This file, of a folder', valueHint: 'path' },
  },
  async run({ args: { dataset, source, table, query, file }, client, output }) {
    if (source === undefined) {
      const { items } = await client('sources.list')
      output.table(
        items,
        [
          { title: 'SOURCE', value: ({ name }) => name },
          { title: 'KIND', value: ({ kind }) => kind },
        ],
        items,
        'no sources yet: `npx shoal serve --sources FILE` names them',
      )
      return 0
    }
    const body = {
      source,
      ...(table === undefined ? {} : { table }),
      ...(query === undefined ? {} : { query }),
      ...(file === undefined ? {} : { file }),
    }
    const { span, added } = await client('spans.import', { params: { dataset }, body })
    output.answer({ span, added }, () =>
      added
        ? `span ${span.span} of ${dataset}: ${span.rows} rows, ${bytesText(span.bytes)}`
        : `the same ${span.rows} rows as span ${span.span} of ${dataset}: nothing added`,
    )
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
  description: 'Datasets: list, show, create, upload, import',
  commands: [list, show, create, upload, importRows],
  fallback: 'list',
}
