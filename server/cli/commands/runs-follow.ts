import { command } from '../command.ts'
import { followRun } from '../follow-run.ts'

export const follow = command({
  name: 'follow',
  description: 'Watch a run until it has ended; exit code 1 unless it succeeded',
  args: { run: { type: 'positional', required: true, description: 'Its id' } },
  run: ({ args, client, output, cli }) => followRun({ run: args.run, client, output, cli }),
})
