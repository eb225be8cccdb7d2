import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from '../../shared/contract/client.ts'
import { type Figures, runLoop } from './loop.ts'
import { stageRunner, StageFailed } from './stages.ts'
import { startServer } from './server-process.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    devices: { type: 'string', default: '100' },
    browsers: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    small: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(
    [
      'npm run loop -- [options]   the whole loop, with real browsers and simulated devices, on a server of its own',
      '  --devices N    simulated devices (100)',
      '  --browsers N   Chromium profiles (3)',
      '  --seed N       what the devices see (1)',
      '  --small        less data and fewer epochs: quick, with weaker models',
      '  --keep         leaves the server running at the end, to look around in its console; ends with Ctrl-C',
      '  --json         only the last line: {"bench":"loop","figures":{…}}',
      '',
    ].join('\n'),
  )
  process.exit(0)
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const print = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)
const runner = stageRunner(print)
const data = await mkdtemp(join(tmpdir(), 'shoal-loop-'))
const careless = fileURLToPath(new URL('careless.ts', import.meta.url))
const server = await startServer({
  root,
  args: ['--port', '0', '--data', data, '--pipelines', careless, ...(values.small ? ['--demo', 'small'] : [])],
  onLine: (line) => print(`    ${line}`),
})
const figures: Partial<Figures> = {}
try {
  const client = createClient({ url: server.url, fetch: (url, init) => fetch(url, init), token: () => server.key })
  const options = {
    runner,
    client,
    url: server.url,
    devices: Number(values.devices),
    browsers: Number(values.browsers),
    seed: Number(values.seed),
  }
  await runLoop(options, figures)
  if (values.keep) {
    print(`the server goes on at ${server.url}/console with the key ${server.key}; Ctrl-C ends it`)
    await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  }
} catch (thrown) {
  if (!(thrown instanceof StageFailed)) print(String(thrown instanceof Error ? thrown.stack : thrown))
  process.exitCode = 1
} finally {
  await server.stop()
  await rm(data, { recursive: true, force: true })
}
process.stdout.write(
  `${JSON.stringify({ bench: 'loop', figures: { stages: runner.stages.map(({ name, ok, seconds }) => ({ name, ok, seconds })), ...figures } })}\n`,
)
