import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createApp } from '../../../server/app.ts'
import { runCli } from '../../../server/cli/run-cli.ts'
import type { Handlers } from '../../../server/http/register.ts'
import { silentLog } from '../../../server/log.ts'
import { createServices } from '../../../server/services.ts'
import { sharedWorkers } from '../shared-workers.ts'
import { ROUTES, type RouteName } from '../../../shared/contract/routes.ts'
import { type ManualClock, manualClock } from '../../../shared/core/clock.ts'
import { cryptoRandom } from '../../../shared/core/random.ts'

/** Served by the real services; the other nouns by the handlers of a test, behind the same edge: keys, validation, comparison with the contract. */
const REAL_TAGS = ['Access', 'Server', 'Registry', 'Delivery', 'Datasets']
const FREE = { perSecond: 1e6, burst: 1e6 }

export type Printed = { readonly code: number; readonly out: string; readonly err: string }
export type RunOptions = { readonly tty?: boolean; readonly env?: Record<string, string | undefined> }
export type CliWorld = {
  readonly clock: ManualClock
  readonly key: string
  /** Method and path of each request so far. */
  readonly requests: string[]
  /** One command line, typed as a person would: `run('models list')`, or as words. */
  run(words: string | readonly string[], options?: RunOptions): Promise<Printed>
  close(): Promise<void>
}

/** A handler that is given takes the place of the real one. */
export async function createCliWorld(handlers: Handlers = {}): Promise<CliWorld> {
  const clock = manualClock()
  const dataFolder = await mkdtemp(join(tmpdir(), 'shoal-cli-'))
  const services = await createServices({
    dataFolder,
    inMemory: true,
    version: '0.0.0-test',
    clock,
    random: cryptoRandom,
    log: silentLog,
    workers: sharedWorkers,
  })
  const real = services.handlers.map(
    (each) => Object.fromEntries(Object.entries(each).filter(([name]) => isReal(name as RouteName) && !(name in handlers))) as Handlers,
  )
  const app = createApp({
    handlers: [...real, handlers],
    authenticate: services.access.authenticate,
    idempotency: services.idempotency,
    clock,
    random: cryptoRandom,
    log: silentLog,
    rateLimits: { public: FREE, device: FREE, failures: FREE },
    origins: [],
    checkReplies: true,
    absent: Object.values(ROUTES).map((route) => route.tag),
  })
  const { secret: key } = await services.access.createKey({ name: 'tester', scope: 'admin' })
  const requests: string[] = []
  return {
    clock,
    key,
    requests,
    async run(words, { tty = false, env = { SHOAL_KEY: key } } = {}) {
      const [stdout, stderr] = [memory(tty), memory(tty)]
      const code = await runCli(typeof words === 'string' ? words.split(' ') : words, {
        env,
        stdout: stdout.stream,
        stderr: stderr.stream,
        clock: { ...clock, sleep: (ms) => clock.advance(ms) },
        fetch: async (url, init) => {
          requests.push(`${init.method} ${url}`)
          return app.request(new URL(url).href.replace(new URL(url).origin, ''), init)
        },
      })
      return { code, out: stdout.text(), err: stderr.text() }
    },
    async close() {
      await services.close()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

const isReal = (name: RouteName): boolean => REAL_TAGS.includes(ROUTES[name].tag) && name !== 'events.listen'

/** A stream that keeps what is written, and looks like a terminal where it shall. */
function memory(isTTY: boolean): { stream: Writable & { isTTY?: boolean; columns?: number }; text(): string } {
  const chunks: string[] = []
  const stream = new Writable({ write: (chunk, _, done) => (chunks.push(String(chunk)), done()) })
  // what cli-progress asks of a terminal stream
  const terminal = { isTTY, columns: 120, cursorTo: () => true, clearLine: () => true, moveCursor: () => true }
  return { stream: isTTY ? Object.assign(stream, terminal) : stream, text: () => chunks.join('') }
}
