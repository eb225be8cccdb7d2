import { command } from '../command.ts'
import { timeText } from '../output.ts'

export const logs = command({
  name: 'logs',
  description: 'Log lines of a run, oldest first',
  args: {
    run: { type: 'positional', required: true, description: 'Its id' },
    step: { type: 'string', description: 'Only of this step', valueHint: 'name' },
  },
  async run({ args, client, output }) {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query = { limit: '500', ...(args.step === undefined ? {} : { step: args.step }), ...(cursor === undefined ? {} : { cursor }) }
      const page = await client('runs.logs', { params: { run: args.run }, query })
      // JSON lines, not one array: a long log is read while it comes
      for (const line of page.items)
        output.line(
          output.json ? JSON.stringify(line) : `${timeText(line.at)} ${line.level.padEnd(5)} ${line.step ?? '-'}: ${line.message}`,
        )
      cursor = page.next
    }
    return 0
  },
})
