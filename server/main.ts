import { readFile } from 'node:fs/promises'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { systemClock } from '../shared/core/clock.ts'
import { AppError, toAppError } from '../shared/core/errors.ts'
import { cryptoRandom } from '../shared/core/random.ts'
import { createApp } from './app.ts'
import { ensureClientBuilt } from './client-build.ts'
import { type Config, HELP, OWN_PAGES, readConfig } from './config.ts'
import { apiDocs } from './http/docs.ts'
import { DEFAULT_RATE_LIMITS } from './http/register.ts'
import { staticFiles } from './http/static-files.ts'
import { createLog, silentLog } from './log.ts'
import { loadPipelines } from './pipeline/load-pipelines.ts'
import type { Pipeline } from './pipeline/pipeline.ts'
import { batchPredict } from './pipelines/batch-predict.ts'
import { readSources } from './datasets/sources/source-settings.ts'
import { prepareDemo } from './pipelines/demo.ts'
import { digits } from './pipelines/digits.ts'
import { digitsFederated } from './pipelines/digits-federated.ts'
import { flights } from './pipelines/flights.ts'
import { repeat } from './repeat.ts'
import { createServices } from './services.ts'
import { lockFolder } from './storage/folder-lock.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** How long open requests may take after the server was told to stop. */
const DRAIN_MS = 10_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function run(config: Config): Promise<void> {
  const log = await createLog({ level: config.logLevel, terminal: process.stderr.isTTY, write: (line) => void process.stderr.write(line) })
  const version = await ownVersion()
  const unlockFolder = await lockFolder(config.data)
  const sources = await readSources(config.sources)
  const services = await createServices({ sources, dataFolder: config.data, version, clock: systemClock, random: cryptoRandom, log })
  if (config.client === OWN_PAGES) {
    await ensureClientBuilt({
      root: ROOT,
      onProgress: ({ phase }) => {
        if (phase === 'building') say('Building the pages (a few seconds, only after a change)')
      },
    })
  }
  const pages = await staticFiles(config.client)
  const app = createApp({
    handlers: services.handlers,
    authenticate: services.authenticate,
    assertMayUse: services.access.assertMayUse,
    idempotency: services.idempotency,
    clock: systemClock,
    random: cryptoRandom,
    log,
    rateLimits: DEFAULT_RATE_LIMITS,
    origins: config.origins,
    checkReplies: false,
    pages: [apiDocs({ version }), ...(pages ? [pages] : [])],
  })
  services.connect((request) => app.fetch(request))
  for (const pipeline of await pipelinesOf(config)) await services.pipelines.define(pipeline)
  if (!pages) log.warn('there are no pages to serve: build them (npm run build)', { folder: config.client })

  const server = serve({ fetch: app.fetch, port: config.port, hostname: config.host }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (cause) =>
      reject(
        new AppError('unavailable', `cannot listen on ${config.host}:${config.port} (${cause.message}): choose another --port or --host`, {
          cause,
        }),
      ),
    )
  })
  // only now: a start that fails must neither use up the key that is shown once nor begin runs
  const firstKey = await services.access.ensureAdminKey(config.adminKey)
  await services.begin()

  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    // asked a second time: whoever asks does not want to wait
    if (stopping) process.exit(130)
    stopping = true
    log.info('stopping', { signal })
    void (async () => {
      services.beginClose()
      await drain(server)
      await services.close()
      unlockFolder()
      log.info('stopped')
      // a first start may still be preparing the demo, which the next one completes: not beside it
      process.stderr.write('', () => process.exit(0))
    })().catch((thrown: unknown) => fail(thrown))
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)

  const { port } = server.address() as AddressInfo
  const shown = config.host === '127.0.0.1' || config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  const url = `http://${shown}:${port}`
  const key = firstKey === undefined ? [] : ['', `Admin key for the console and the API, shown this once: ${firstKey}`]
  // in one piece: a program that waits for the address has the key too
  say(
    [
      `Shoal ${version} is at ${url}`,
      `  app      ${url}/`,
      `  console  ${url}/console`,
      `  API      ${url}/docs`,
      `  data     ${config.data}`,
      ...key,
    ].join('\n'),
  )

  if (config.demo !== 'none') {
    await prepareDemo({ services, dataFolder: config.data, small: config.demo === 'small', url, output: process.stdout }).catch(
      (thrown: unknown) => log.warn('the demo could not be prepared', { why: toAppError(thrown).detail }),
    )
  }
}

/** The pipelines that ship, and those of the modules that the settings name. */
async function pipelinesOf(config: Config): Promise<readonly Pipeline[]> {
  const own = await Promise.all(config.pipelines.map(loadPipelines))
  return [digits, digitsFederated, flights, batchPredict, ...own.flat()]
}

/**
 * No new connections; the open requests finish, or are cut after a while. A connection that is kept alive by one request after the other is told to
 * close with its next answer.
 */
async function drain(server: Server): Promise<void> {
  server.prependListener('request', (_, response: ServerResponse) => response.setHeader('connection', 'close'))
  const drained = new AbortController()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  void systemClock.sleep(DRAIN_MS, drained.signal).then(
    () => server.closeAllConnections(),
    () => {},
  )
  void repeat({ clock: systemClock, everyMs: 50, signal: drained.signal, log: silentLog, name: 'closing connections' }, async () =>
    server.closeIdleConnections(),
  )
  await closed
  drained.abort()
}

async function ownVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

function fail(thrown: unknown): void {
  const { code, detail } = toAppError(thrown)
  process.stderr.write(`shoal: ${code}: ${detail}\n`)
  process.exit(1)
}

try {
  const config = readConfig(process.argv.slice(2), process.env)
  if (config === 'help') say(HELP)
  else await run(config)
} catch (thrown) {
  fail(thrown)
}
