import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from '../../shared/core/assert.ts'
import { systemClock } from '../../shared/core/clock.ts'
import type { Client } from '../../shared/contract/client.ts'
import type { KeyScope } from '../../shared/contract/route.ts'
import { createApp } from '../../server/app.ts'
import { ensureClientBuilt } from '../../server/client-build.ts'
import type { Handlers } from '../../server/http/register.ts'
import { staticFiles } from '../../server/http/static-files.ts'
import { createTestServer } from '../server/harness.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PLENTY = { perSecond: 1e6, burst: 1e6 }

export type FixtureServer = {
  readonly url: string
  readonly keys: Readonly<Record<KeyScope, string>>
  /** The real services, as an administrator. */
  readonly admin: Client
  publish(event: { type: string; subject: string; data: { readonly [key: string]: string | number } }): void
  /** From now on the service worker is another one, as after a deployment. */
  deployShell(): void
  close(): Promise<void>
}

/**
 * The real HTTP server over the built pages, on a free port, with some routes answered by `handlers` in place of the services: for states of the pages that
 * would take long to reach.
 */
export async function startFixtureServer(handlers: Handlers): Promise<FixtureServer> {
  const { folder } = await ensureClientBuilt({ root: ROOT })
  const test = await createTestServer({ clock: systemClock })
  const { services } = test
  let deployed = 0
  const shell = (pages: Hono) => {
    pages.get('/service-worker.js', async (_, next) => {
      if (deployed === 0) return next()
      const script = `${await readFile(join(folder, 'service-worker.js'), 'utf8')}\n// ${deployed}`
      return new Response(script, { headers: { 'content-type': 'text/javascript', 'cache-control': 'no-cache' } })
    })
  }
  const names = new Set(Object.keys(handlers))
  const rest = services.handlers.map((own) => Object.fromEntries(Object.entries(own).filter(([name]) => !names.has(name))) as Handlers)
  const app = createApp({
    handlers: [handlers, ...rest],
    authenticate: services.access.authenticate,
    idempotency: services.idempotency,
    clock: systemClock,
    random: services.random,
    log: services.log,
    rateLimits: { public: PLENTY, device: PLENTY, failures: PLENTY },
    origins: [],
    checkReplies: true,
    pages: [shell, must(await staticFiles(folder), 'the built pages')],
    absent: ['Device', 'Federation', 'Datasets', 'Pipelines', 'Metadata', 'Monitoring', 'Rollouts'],
  })
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    keys: test.keys,
    admin: test.client(test.keys.admin),
    publish: (event) => services.events.publish(event),
    deployShell: () => {
      deployed++
    },
    close: async () => {
      await test.close()
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
    },
  }
}
