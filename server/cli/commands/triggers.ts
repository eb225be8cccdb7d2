import type { TRIGGER_KINDS } from '../../../shared/contract/pipelines.ts'
import { command, type Group, UsageError } from '../command.ts'
import { fieldsText, pairsText, timeText } from '../output.ts'
import { paramsOf } from '../params.ts'

const PIPELINE = { type: 'positional', required: true, description: 'Name of the pipeline' } as const
const KINDS = ['demand', 'schedule', 'new-data', 'degradation', 'drift'] satisfies (typeof TRIGGER_KINDS)[number][]
const KIND = { type: 'positional', required: true, description: KINDS.join(', ') } as const
const SETTINGS =
  'settings, as name=value (a value is JSON, or else text): cooldownMs, budget, params, cron, timeZone, catchUp, minExamples, minSpans'

function kindOf(word: string): (typeof KINDS)[number] {
  const kind = KINDS.find((one) => one === word)
  if (kind === undefined) throw new UsageError(`${word} is no kind of trigger: ${KINDS.join(', ')}`)
  return kind
}

const list = command({
  name: 'list',
  description: 'List the triggers of all pipelines',
  async run({ client, output }) {
    const { items } = await client('pipelines.list')
    const rows = items.flatMap((pipeline) => pipeline.triggers.map((trigger) => ({ pipeline: pipeline.name, ...trigger })))
    output.table(
      rows,
      [
        { title: 'PIPELINE', value: (trigger) => trigger.pipeline },
        { title: 'KIND', value: (trigger) => trigger.kind },
        { title: 'ON', value: (trigger) => (trigger.enabled ? 'on' : 'off') },
        { title: 'LAST FIRED', value: (trigger) => timeText(trigger.lastFired) },
        { title: 'SETTINGS', value: (trigger) => pairsText(trigger.settings) || '-' },
      ],
      rows,
      'no pipeline has a trigger',
    )
    return 0
  },
})

const set = command({
  name: 'set',
  description: 'Switch a trigger on or off, or give it settings (those named replace the old ones)',
  args: {
    pipeline: PIPELINE,
    kind: KIND,
    on: { type: 'boolean', description: 'Switch it on' },
    off: { type: 'boolean', description: 'Switch it off' },
  },
  rest: SETTINGS,
  async run({ args, rest, client, output }) {
    if (args.on === true && args.off === true) throw new UsageError('--on or --off, not both')
    const kind = kindOf(args.kind)
    const pipeline = await client('pipelines.get', { params: { pipeline: args.pipeline } })
    const old = pipeline.triggers.find((trigger) => trigger.kind === kind)
    const changed = paramsOf(rest)
    const trigger = await client('triggers.set', {
      params: { pipeline: args.pipeline, kind },
      body: {
        enabled: args.off === true ? false : args.on === true || (old?.enabled ?? true),
        // null takes a setting away
        settings: Object.fromEntries(Object.entries({ ...old?.settings, ...changed }).filter(([, value]) => value !== null)),
      },
    })
    output.answer(trigger, () => `${args.pipeline} ${kind} is ${trigger.enabled ? 'on' : 'off'} ${pairsText(trigger.settings)}`.trimEnd())
    return 0
  },
})

const test = command({
  name: 'test',
  description: 'What a trigger would do now, and why; exit code 1 where it would not fire',
  args: { pipeline: PIPELINE, kind: KIND },
  rest: `other ${SETTINGS}`,
  async run({ args, rest, client, output }) {
    const kind = kindOf(args.kind)
    const settings = rest.length === 0 ? {} : { settings: paramsOf(rest) }
    const found = await client('triggers.test', { params: { pipeline: args.pipeline, kind }, body: settings })
    output.answer(found, () =>
      fieldsText([
        ['fires', found.fires ? 'yes' : `no (${found.code})`],
        ['why', found.why],
        ['key', found.dedupeKey ?? '-'],
        ...(found.next.length === 0 ? [] : [['next', found.next.map(timeText).join(', ')] as const]),
      ]),
    )
    return found.fires ? 0 : 1
  },
})

const decisions = command({
  name: 'decisions',
  description: 'Why the triggers of a pipeline fired, and why not, newest first',
  args: {
    pipeline: PIPELINE,
    kind: { type: 'enum', options: KINDS, description: 'Only of this kind' },
    limit: { type: 'string', description: 'At most so many', valueHint: 'number', default: '20' },
    cursor: { type: 'string', description: 'Go on from here' },
  },
  async run({ args, client, output }) {
    const { kind, limit, cursor } = args
    const page = await client('pipelines.decisions', {
      params: { pipeline: args.pipeline },
      query: { limit, ...(kind === undefined ? {} : { kind }), ...(cursor === undefined ? {} : { cursor }) },
    })
    output.table(
      page.items,
      [
        { title: 'AT', value: (decision) => timeText(decision.at) },
        { title: 'KIND', value: (decision) => decision.kind },
        { title: 'DECISION', value: (decision) => decision.code },
        { title: 'RUN', value: (decision) => decision.run ?? '-' },
        { title: 'WHY', value: (decision) => decision.why },
      ],
      page,
      'no trigger of this pipeline has been considered yet',
    )
    if (!output.json && page.next !== null) output.note(`more: --cursor ${page.next}`)
    return 0
  },
})

export const triggers: Group = {
  name: 'triggers',
  description: 'What starts pipelines by itself: list, set, test, decisions',
  commands: [list, set, test, decisions],
  fallback: 'list',
}
