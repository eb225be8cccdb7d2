import type { Client } from '../../../shared/contract/client.ts'
import type { RunComparison } from '../../../shared/contract/pipelines.ts'
import { command } from '../command.ts'
import { followRun } from '../follow-run.ts'
import { durationText, type Output } from '../output.ts'

const RUN = (description: string) => ({ type: 'positional', required: true, description }) as const

export const compare = command({
  name: 'compare',
  description: 'Two runs side by side; exit code 1 where they made something else',
  args: { a: RUN('Id of one run'), b: RUN('Id of the other') },
  run: ({ args, client, output }) => showComparison(client, args.a, args.b, output),
})

export const replay = command({
  name: 'replay',
  description: 'Do a run again, nothing from the cache, and say whether the same came out; exit code 1 where not',
  args: { run: RUN('Id of a run that has ended') },
  async run({ args, client, output, cli }) {
    const again = await client('runs.replay', { params: { run: args.run } })
    output.note(`${again.id} does ${args.run} again`)
    const { answer: _, ...rest } = output
    // the comparison is the answer, not the run
    await followRun({ run: again.id, client, output: { ...rest, answer: () => {} }, cli })
    return showComparison(client, args.run, again.id, output)
  },
})

async function showComparison(client: Client, a: string, b: string, output: Output): Promise<number> {
  const comparison = await client('runs.compare', { params: { run: a, other: b } })
  const code = comparison.identical === false ? 1 : 0
  if (output.json) {
    output.answer(comparison, () => '')
    return code
  }
  output.line(verdictText(comparison))
  const rows = [
    ...(['params', 'metrics', 'environment'] as const).flatMap((kind) =>
      comparison[kind]
        .filter(({ same }) => !same || kind === 'metrics')
        .map((pair) => ({ what: `${kind}.${pair.name}`, a: pair.a ?? '-', b: pair.b ?? '-' })),
    ),
    ...comparison.steps.map((step) => ({ what: `step ${step.name}`, a: stepText(step.a), b: stepText(step.b) })),
  ]
  output.line('')
  output.table(
    rows,
    [
      { title: '', value: ({ what }) => what },
      { title: a, value: (row) => row.a },
      { title: b, value: (row) => row.b },
    ],
    comparison,
    'the runs have nothing to compare',
  )
  return code
}

const stepText = (step: RunComparison['steps'][number]['a']): string =>
  step === null ? '-' : `${step.state}${step.tookMs === null ? '' : ` ${durationText(step.tookMs)}`}`

function verdictText({ identical, parting, sameDefinition }: RunComparison): string {
  if (identical === null) return 'at least one of the runs has not ended: no verdict yet'
  if (parting === null) return 'identical: every step put out the same content'
  const definition = sameDefinition ? [] : ['the definitions of their pipelines differ']
  return [
    `they part at step ${parting.step} (${parting.outputs.join(', ')}):`,
    ...[...definition, ...parting.causes].map((cause) => `  ${cause}`),
  ].join('\n')
}
