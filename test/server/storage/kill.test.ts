import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../shared/core/errors.ts'
import { unwrap } from '../../../shared/core/result.ts'
import { cryptoRandom, seededRandom } from '../../../shared/core/random.ts'
import { manualClock } from '../../../shared/core/clock.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { type Client, createClient } from '../../../shared/contract/client.ts'
import { verifyManifest } from '../../../shared/trust/manifest.ts'
import { verifyRelease } from '../../../shared/trust/release.ts'
import { verifyRoot } from '../../../shared/trust/root.ts'
import { newToken } from '../../../server/access/tokens.ts'
import { checkIntegrity, closeDatabase, openDatabase } from '../../../server/storage/database.ts'
import { draftFixture } from '../../fixtures/manifest-draft.ts'
import { startMain } from './main-process.ts'

const KILLS = 6
const key = newToken('admin', cryptoRandom)
let data: string

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'shoal-kill-'))
})
afterAll(() => rm(data, { recursive: true, force: true }))

type Acknowledged = { versions: Map<string, number>; moves: { version: number; reason: string }[]; unknown: string[] }

/** Registers versions and moves the alias until the server is gone; writes down only what was acknowledged. */
async function write(client: Client, names: () => string, done: Acknowledged): Promise<void> {
  try {
    for (;;) {
      const name = names()
      const { draft, pieces } = await draftFixture(Number(name.slice(1)), name)
      for (const { digest, bytes } of pieces) await client('blob.put', { params: { digest }, body: bytes })
      done.unknown.push(name)
      const { version } = await client(
        'versions.create',
        { params: { model: 'digits' as Slug }, body: { draft, parent: null } },
        { idempotencyKey: name },
      )
      done.unknown.splice(done.unknown.indexOf(name), 1)
      done.versions.set(name, version)
      await client('aliases.set', { params: { model: 'digits' as Slug, alias: 'stable' as Slug }, body: { version, reason: name } })
      done.moves.push({ version, reason: name })
    }
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'network') throw thrown
  }
}

test(`[REG-15] what was acknowledged survives kill -9, ${KILLS} times over, and nothing is there by half or twice`, {
  timeout: 120_000,
}, async () => {
  const random = seededRandom(20260101)
  const done: Acknowledged = { versions: new Map(), moves: [], unknown: [] }
  let count = 0
  for (let kill = 0; kill <= KILLS; kill++) {
    const server = await startMain(data, { env: { SHOAL_ADMIN_KEY: key } })
    const client = createClient({ url: server.url, fetch: (url, init) => fetch(url, init), token: () => key })
    await client('models.create', { body: { name: 'digits' } })
    // unknown outcomes are resolved by asking again under the same key
    for (const name of done.unknown.splice(0)) {
      const { draft } = await draftFixture(Number(name.slice(1)), name)
      done.versions.set(
        name,
        (await client('versions.create', { params: { model: 'digits' as Slug }, body: { draft, parent: null } }, { idempotencyKey: name }))
          .version,
      )
    }
    await verify(client, done)
    if (kill === KILLS) {
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null })
      break
    }
    const writers = Array.from({ length: 4 }, () => write(client, () => `n${++count}`, done))
    const until = performance.now() + 20 + random.integer(180)
    // a slow machine gets as far as this too, before it is killed
    while (performance.now() < until || done.moves.length <= kill + 1) await new Promise((resolve) => setTimeout(resolve, 5))
    await server.end('SIGKILL')
    await Promise.all(writers)
  }
  expect(done.moves.length).toBeGreaterThan(KILLS)
  const db = await openDatabase({ file: join(data, 'shoal.db'), clock: manualClock() })
  expect(await checkIntegrity(db)).toEqual([])
  await closeDatabase(db)
})

async function verify(client: Client, done: Acknowledged): Promise<void> {
  const params = { model: 'digits' as Slug }
  const { items } = await client('versions.list', { params })
  // dense, and each acknowledged registration exactly once
  expect(items.map((item) => item.version).reverse()).toEqual(items.map((_, i) => i + 1))
  for (const [name, version] of done.versions)
    expect(items.filter((item) => item.notes === name).map((item) => item.version)).toEqual([version])
  if (done.moves.length === 0) return
  const { items: history } = await client('aliases.history', { params: { ...params, alias: 'stable' as Slug } })
  for (const move of done.moves)
    expect(history.filter((change) => change.reason === move.reason).map((change) => change.to)).toEqual([move.version])
  // what the fleet polls is the newest move, and everything it names is there
  const root = unwrap(await verifyRoot(await client('root.get'), undefined, Date.now()))
  const release = unwrap(
    await verifyRelease(await client('release.get', { params: { ...params, alias: 'stable' as Slug } }), root, {
      model: 'digits',
      alias: 'stable',
      sequence: done.moves.length,
      now: Date.now(),
    }),
  )
  expect(release.stable.version).toBe(history[0]?.to)
  const envelope = await client('manifest.get', { params: { digest: release.stable.manifest } })
  const manifest = unwrap(
    await verifyManifest(envelope, root, { model: 'digits', version: release.stable.version, digest: release.stable.manifest }),
  )
  for (const piece of manifest.pieces) {
    const blob = await client('blob.get', { params: { digest: piece.digest } })
    expect((await blob.arrayBuffer()).byteLength).toBe(piece.bytes)
  }
}
