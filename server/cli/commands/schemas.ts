import type { SchemaVersion } from '../../../shared/contract/schemas.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { RunId } from '../../../shared/core/ids.ts'
import { changeText } from '../../../shared/data/schema-diff.ts'
import { command, type Group, versionOf } from '../command.ts'
import { timeText } from '../output.ts'
import { readSchema } from '../read-schema.ts'

const DATASET = { type: 'positional', required: true, description: 'Name of the dataset' } as const
const VERSION = { type: 'positional', required: true, description: 'Version of the schema' } as const
const REASON = { type: 'string', description: 'Why, for the record', required: true } as const

const list = command({
  name: 'list',
  description: 'Versions of a schema, the newest first',
  args: { dataset: DATASET },
  async run({ args, client, output }) {
    const { items } = await client('schemas.list', { params: { dataset: args.dataset } })
    output.table(
      items,
      [
        { title: 'VERSION', value: ({ version }) => version, right: true },
        { title: 'STATE', value: ({ state }) => state },
        { title: 'CHANGES', value: ({ changes }) => changes.length, right: true },
        { title: 'PROPOSED', value: ({ proposed }) => `${timeText(proposed.at)} by ${proposed.by}` },
        { title: 'REASON', value: ({ proposed, decided }) => decided?.reason ?? proposed.reason },
      ],
      items,
      `${args.dataset} has no schema yet: \`npx shoal schemas infer ${args.dataset} --reason …\` proposes one`,
    )
    return 0
  },
})

const show = command({
  name: 'show',
  description: 'One version: what it changes, who proposed and who decided; with --json the schema itself',
  args: { dataset: DATASET, version: VERSION },
  async run({ args, client, output }) {
    const { items } = await client('schemas.list', { params: { dataset: args.dataset } })
    const wanted = versionOf(args.version)
    const found = items.find(({ version }) => version === wanted)
    if (found === undefined) {
      output.note(`not_found: dataset ${args.dataset} has no schema version ${wanted}`)
      return 1
    }
    output.answer(found, () => schemaText(args.dataset, found))
    return 0
  },
})

const propose = command({
  name: 'propose',
  description: 'Propose a schema from a file; it changes nothing until it is accepted',
  args: { dataset: DATASET, file: { type: 'positional', required: true, description: 'Path of a JSON file' }, reason: REASON },
  async run({ args, client, output }) {
    const body = { schema: await readSchema(args.file), reason: args.reason }
    const made = await client('schemas.propose', { params: { dataset: args.dataset }, body })
    output.answer(made, () => proposalText(args.dataset, made))
    return 0
  },
})

const infer = command({
  name: 'infer',
  description: 'Propose the schema that the newest rows show, with what people have said before',
  args: {
    dataset: DATASET,
    span: { type: 'string', description: 'Rows of this span instead', valueHint: 'number' },
    label: { type: 'string', description: 'The feature that is predicted', valueHint: 'feature' },
    reason: REASON,
  },
  async run({ args, client, output }) {
    const body = {
      reason: args.reason,
      ...(args.span === undefined ? {} : { span: versionOf(args.span) }),
      ...(args.label === undefined ? {} : { label: args.label }),
    }
    const made = await client('schemas.infer', { params: { dataset: args.dataset }, body })
    output.answer(made, () => proposalText(args.dataset, made))
    return 0
  },
})

const accept = command({
  name: 'accept',
  description: 'Accept a proposed schema: data is held against it from now on',
  args: {
    dataset: DATASET,
    version: VERSION,
    reason: REASON,
    resume: { type: 'boolean', description: 'Also resume the runs that stopped at data that did not fit' },
  },
  async run({ args, client, output }) {
    const params = { dataset: args.dataset, version: String(versionOf(args.version)) }
    const made = await client('schemas.accept', { params, body: { reason: args.reason } })
    const stopped = await stoppedRuns(client, args.dataset)
    if (args.resume) for (const run of stopped) await client('runs.resume', { params: { run } })
    const what = args.resume ? 'resumed' : 'stopped, and can be resumed (`npx shoal runs resume RUN`):'
    output.answer(made, () => [`accepted version ${made.version} of ${args.dataset}`, ...stopped.map((run) => `${what} ${run}`)].join('\n'))
    return 0
  },
})

/** The newest run of each pipeline of the dataset, where data that did not fit stopped it. */
async function stoppedRuns(client: Client, dataset: string): Promise<RunId[]> {
  const { items: pipelines } = await client('pipelines.list')
  const found: RunId[] = []
  for (const pipeline of pipelines) {
    const { items } = await client('runs.list', { query: { pipeline: pipeline.name, limit: '1' } })
    const [last] = items
    if (last?.state !== 'stopped' || last.error?.code !== 'schema_anomaly') continue
    const { steps } = await client('runs.get', { params: { run: last.id } })
    if (steps.some((step) => step.state === 'stopped' && step.params['dataset'] === dataset)) found.push(last.id)
  }
  return found
}

const reject = command({
  name: 'reject',
  description: 'Reject a proposed schema',
  args: { dataset: DATASET, version: VERSION, reason: REASON },
  async run({ args, client, output }) {
    const params = { dataset: args.dataset, version: String(versionOf(args.version)) }
    const made = await client('schemas.reject', { params, body: { reason: args.reason } })
    output.answer(made, () => `rejected version ${made.version} of ${args.dataset}`)
    return 0
  },
})

const changesText = ({ changes }: SchemaVersion): string[] =>
  changes.length === 0 ? ['  changes nothing'] : changes.map((change) => `  ${changeText(change)}`)

const proposalText = (dataset: string, made: SchemaVersion): string =>
  [
    `proposed version ${made.version} of ${dataset}`,
    ...changesText(made),
    `\`npx shoal schemas accept ${dataset} ${made.version} --reason …\` accepts it`,
  ].join('\n')

function schemaText(dataset: string, version: SchemaVersion): string {
  const { proposed, decided, state } = version
  return [
    `version ${version.version} of ${dataset}: ${state}`,
    `proposed ${timeText(proposed.at)} by ${proposed.by}: ${proposed.reason}`,
    ...(decided === null ? [] : [`decided ${timeText(decided.at)} by ${decided.by}: ${decided.reason}`]),
    ...changesText(version),
  ].join('\n')
}

export const schemas: Group = {
  name: 'schemas',
  description: 'Schemas of datasets: list, show, propose, infer, accept, reject',
  commands: [list, show, propose, infer, accept, reject],
}
