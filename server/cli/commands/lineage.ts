import { command } from '../command.ts'
import { timeText } from '../output.ts'

export const lineage = command({
  name: 'lineage',
  description: 'What an artifact was made from, or what was made from it',
  args: {
    artifact: { type: 'positional', required: true, description: 'Its id (`npx shoal runs show RUN --json` names them)' },
    down: { type: 'boolean', description: 'What was made from it' },
  },
  async run({ args, client, output }) {
    const query = { direction: args.down === true ? ('down' as const) : ('up' as const) }
    const found = await client('artifacts.lineage', { params: { artifact: args.artifact }, query })
    const makers = new Map(found.executions.map((execution) => [execution.id, execution]))
    const madeBy = new Map(
      found.events.filter(({ type }) => type === 'output').map(({ artifact, execution }) => [artifact, makers.get(execution)]),
    )
    output.table(
      found.artifacts,
      [
        { title: 'ARTIFACT', value: (artifact) => artifact.id },
        { title: 'TYPE', value: (artifact) => artifact.type },
        { title: 'NAME', value: (artifact) => artifact.name },
        { title: 'RUN', value: (artifact) => artifact.run ?? '-' },
        { title: 'STEP', value: (artifact) => artifact.step ?? '-' },
        { title: 'COMPONENT', value: (artifact) => madeBy.get(artifact.id)?.component ?? '-' },
        { title: 'MADE', value: (artifact) => timeText(artifact.created) },
        { title: 'DIGEST', value: (artifact) => artifact.digest?.slice(0, 12) ?? '-' },
      ],
      found,
      'nothing is known of this artifact',
    )
    return 0
  },
})
