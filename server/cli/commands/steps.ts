import { AppError } from '../../../shared/core/errors.ts'
import type { Client } from '../../../shared/contract/client.ts'
import type { ComponentSummary } from '../../../shared/contract/components.ts'
import type { ArtifactId, RunId } from '../../../shared/core/ids.ts'
import type { Json } from '../../../shared/core/json.ts'
import { command, type Group, UsageError } from '../command.ts'
import { followRun } from '../follow-run.ts'
import { paramsOf } from '../params.ts'

const portsText = (ports: Readonly<Record<string, string>>): string =>
  Object.entries(ports)
    .map(([name, type]) => `${name}:${type}`)
    .join(' ') || '-'

const list = command({
  name: 'list',
  description: 'Kinds of steps, and what each takes and makes (name:type; ? where it may be left out)',
  async run({ client, output }) {
    const { items } = await client('components.list')
    output.table(
      items,
      [
        { title: 'STEP', value: (one) => one.name },
        { title: 'VERSION', value: (one) => one.version },
        { title: 'TAKES', value: (one) => portsText(one.inputs) },
        { title: 'MAKES', value: (one) => portsText(one.outputs) },
        { title: 'PARAMETERS', value: (one) => Object.keys((one.params['properties'] ?? {}) as object).join(' ') || '-' },
      ],
      items,
      'no steps are known',
    )
    return 0
  },
})

/** `art_…` as it is; `run_…:step.output` as the artifact that the step of that run made. */
async function artifactOf(text: string, client: Client): Promise<ArtifactId> {
  const named = /^(run_[^:]+):([a-z0-9-]+)\.([A-Za-z0-9-]+)$/.exec(text)
  if (named === null) return text as ArtifactId
  const [, run = '', step = '', output = ''] = named
  const { steps } = await client('runs.get', { params: { run: run as RunId } })
  const outputs = steps.find(({ name }) => name === step)?.outputs ?? {}
  const found = outputs[output]
  if (found === undefined)
    throw new AppError(
      'not_found',
      `${text}: run ${run} has no such output; step ${step} made ${Object.keys(outputs).join(', ') || 'nothing'}`,
    )
  return found.id
}

const run = command({
  name: 'run',
  description: 'Run one step by itself, on stored artifacts',
  args: {
    step: { type: 'positional', required: true, description: 'Kind of step (`shoal steps list`)' },
    seed: { type: 'string', description: 'Seed of what it draws by chance', default: '1', valueHint: 'number' },
    reason: { type: 'string', description: 'Why, for the record', default: 'on demand' },
    follow: { type: 'boolean', description: 'Stay until it has ended, with a progress bar' },
  },
  rest: 'inputs and parameters, as name=value: an input is art_… or run_…:step.output, a parameter is JSON, or else text',
  async run({ args, rest, client, output, cli }) {
    if (!/^-?\d{1,9}$/.test(args.seed)) throw new UsageError(`--seed ${args.seed} is not a whole number`)
    const given = paramsOf(rest)
    const { items } = await client('components.list')
    const component: ComponentSummary | undefined = items.find(({ name }) => name === args.step)
    if (component === undefined)
      throw new AppError('not_found', `there is no step ${args.step}; there are ${items.map(({ name }) => name).join(', ')}`)
    const isInput = (name: string): boolean => Object.hasOwn(component.inputs, name)
    const inputs: [string, ArtifactId][] = []
    for (const [name, value] of Object.entries(given)) if (isInput(name)) inputs.push([name, await artifactOf(String(value), client)])
    const params = Object.fromEntries(Object.entries(given).filter(([name]) => !isInput(name))) as Record<string, Json>
    const started = await client('components.run', {
      params: { component: component.name },
      body: { inputs: Object.fromEntries(inputs), params, seed: Number(args.seed), reason: args.reason },
    })
    if (args.follow) return followRun({ run: started.id, client, output, cli })
    output.answer(started, () => `${started.id} ${started.state}\n\`npx shoal runs follow ${started.id}\` shows how it goes`)
    return 0
  },
})

export const steps: Group = {
  name: 'steps',
  description: 'Single steps: list them, run one on stored artifacts',
  commands: [list, run],
  fallback: 'list',
}
