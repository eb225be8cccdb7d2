import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Handlers } from '../../../server/http/register.ts'
import type { VersionSummary } from '../../../shared/contract/registry.ts'
import type { Sha256 } from '../../../shared/core/digest.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { type CliWorld, createCliWorld } from './cli-world.ts'

const AT = Date.UTC(2026, 0, 1)
const version = (number: number, revoked: VersionSummary['revoked'] = null): VersionSummary => ({
  model: 'digits' as Slug,
  version: number,
  manifest: 'ab'.repeat(32) as Sha256,
  parent: number === 1 ? null : number - 1,
  created: AT,
  bytes: 1_234_567,
  metrics: { accuracy: 0.98765432 },
  run: null,
  notes: '',
  revoked,
  aliases: number === 2 ? ['stable' as Slug] : [],
})

const sent: unknown[] = []
const change = (from: number | null, to: number, reason: string) => ({ alias: 'stable' as Slug, from, to, at: AT, by: 'tester', reason })
const handlers: Handlers = {
  'versions.list': async () => ({ items: [version(2), version(1, { at: AT, reason: 'wrong labels' })] }),
  'versions.tests': async () => ({
    items: [
      { kind: 'load', at: AT, by: 'ci', ok: true, checks: [], figures: { qps: 210, p95Ms: 8.5 } },
      { kind: 'load', at: AT - 1, by: 'ci', ok: false, checks: [], figures: {} },
      { kind: 'canary', at: AT, by: 'shoal', ok: null, checks: [], figures: {} },
    ],
  }),
  'versions.get': async ({ params }) => {
    if (params.version > 2) throw new AppError('unknown_version', `digits has no version ${params.version}`)
    return version(params.version)
  },
  'versions.revoke': async ({ params, body }) => version(params.version, { at: AT, reason: body.reason }),
  'aliases.set': async ({ params, body }) => {
    sent.push({ ...params, ...body })
    if (body.expected === 7) throw new AppError('precondition_failed', 'stable points at 2 now, expected 7')
    return change(2, body.version, body.reason)
  },
  'aliases.history': async () => ({ items: [change(1, 2, 'better'), change(null, 1, 'first')] }),
  'aliases.rollback': async ({ body }) => change(2, 1, body.reason),
  'datasets.list': async () => ({
    items: [{ name: 'digits' as Slug, description: 'scans', created: AT, rows: 60_000, schema: null, spans: [span] }],
  }),
  'datasets.get': async () => ({ name: 'digits' as Slug, description: '', created: AT, rows: 60_000, schema: null, spans: [span] }),
  'datasets.create': async ({ body }) => ({
    name: body.name,
    description: body.description,
    created: AT,
    rows: 0,
    schema: null,
    spans: [],
  }),
  'pipelines.list': async () => ({
    items: [
      {
        name: 'digits' as Slug,
        dataset: 'digits' as Slug,
        digest: 'cd'.repeat(32) as Sha256,
        description: 'trains digits',
        steps: [{ name: 'extract', component: 'extract', componentVersion: '1', after: [] }],
        triggers: [
          { kind: 'drift', enabled: true, settings: {}, lastFired: null },
          { kind: 'schedule', enabled: false, settings: {}, lastFired: null },
        ],
        params: {},
        lastRun: null,
      },
    ],
  }),
}
const span = { span: 1, source: 'upload', rows: 60_000, bytes: 9_900_000, digest: 'ef'.repeat(32) as Sha256, created: AT }

let world: CliWorld
beforeAll(async () => {
  world = await createCliWorld(handlers)
})
afterAll(() => world.close())

const rows = async (words: string): Promise<string[]> => (await world.run(words)).out.trimEnd().split('\n').slice(1)

test('[CLI-1] versions are listed newest first, with aliases, size, state and figures', async () => {
  expect(await rows('versions digits')).toEqual([
    '2\tstable\t1\t1.2 MB\t2026-01-01 00:00:00Z\tgood\taccuracy=0.9877',
    '1\t-\t-\t1.2 MB\t2026-01-01 00:00:00Z\trevoked\taccuracy=0.9877',
  ])
  expect((await world.run('versions digits 2')).out).toContain(`manifest  ${'ab'.repeat(32)}`)
  expect((await world.run('versions digits 2')).out).toMatch(
    /tests +load passed \(210 answers\/s, 95 % within 8\.5 ms\) 2026-01-01 00:00:00Z, canary without a result 2026/,
  )
  expect((await world.run('versions digits 3')).err).toMatch(/^shoal: unknown_version: .*\n {2}`npx shoal versions MODEL` lists/)
})

test('[CLI-1] an alias is moved with a reason, and only from where it is expected', async () => {
  expect(await world.run(['alias', 'digits', 'stable', '3', '--reason', 'better on sevens'])).toEqual({
    code: 0,
    out: 'digits stable: 2 → 3\n',
    err: '',
  })
  expect(sent.at(-1)).toEqual({ model: 'digits', alias: 'stable', version: 3, reason: 'better on sevens' })
  expect(await world.run('alias digits stable 3 --reason x --expected 7')).toMatchObject({ code: 1, out: '' })
  expect(sent.at(-1)).toMatchObject({ expected: 7 })
  expect(await rows('alias digits stable')).toEqual([
    '2026-01-01 00:00:00Z\t1\t2\ttester\tbetter',
    '2026-01-01 00:00:00Z\t-\t1\ttester\tfirst',
  ])
})

test('[CLI-1] a rollback and a revocation say what they did', async () => {
  expect((await world.run('rollback digits --reason worse')).out).toBe('digits stable: 2 → 1\n')
  expect((await world.run('revoke digits 2 --reason leak')).out).toBe('revoked digits 2\n')
})

test('[CLI-1] datasets and pipelines are listed', async () => {
  expect(await rows('datasets')).toEqual(['digits\t60000\t1\t9.9 MB\t2026-01-01 00:00:00Z\tscans'])
  expect(await rows('datasets show digits')).toEqual(['1\t60000\t9.9 MB\t2026-01-01 00:00:00Z\tupload'])
  expect((await world.run('datasets create flights')).out).toBe('made dataset flights\n')
  expect(await rows('pipelines')).toEqual(['digits\t1\tdrift\t-\ttrains digits'])
})
