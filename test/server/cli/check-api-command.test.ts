import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../../server/cli/run-cli.ts'
import { systemClock } from '../../../shared/core/clock.ts'
import type { Slug } from '../../../shared/core/ids.ts'
import { rolloutPolicy } from '../../../shared/contract/rollouts.ts'
import { publishVersion, registerVersion } from '../../simulator/publish.ts'
import { createTestServer, type TestServer } from '../harness.ts'
import { rowModel, tulip } from '../serving/row-model.ts'

const PLANTS = 'plants' as Slug
let server: TestServer
let folder: string
beforeAll(async () => {
  server = await createTestServer({ clock: systemClock })
  folder = await mkdtemp(join(tmpdir(), 'shoal-check-api-'))
  const made = await rowModel()
  const admin = server.client(server.keys.admin)
  await publishVersion(admin, PLANTS, made)
  // the next version asks for another column, which apps do not send yet
  const [width, colour] = made.draft.transforms
  const changed = [width, { ...colour, input: 'hue' }] as typeof made.draft.transforms
  await registerVersion(admin, PLANTS, { ...made, draft: { ...made.draft, transforms: changed } })
}, 30_000)
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

async function cases(value: unknown): Promise<string> {
  const path = join(folder, 'cases.json')
  await writeFile(path, JSON.stringify(value))
  return path
}
/** Over the server's own surface, as a person would type it. */
async function shoal(words: string[], fetch = server.request, key = server.keys.editor) {
  const printed = { out: '', err: '' }
  const stream = (to: 'out' | 'err') => new Writable({ write: (chunk, _, done) => ((printed[to] += String(chunk)), done()) })
  const code = await runCli(words, {
    env: { SHOAL_KEY: key, SHOAL_URL: 'http://shoal.test' },
    stdout: stream('out'),
    stderr: stream('err'),
    clock: systemClock,
    fetch: (url, init) => fetch(url.replace('http://shoal.test', ''), init),
  })
  return { code, ...printed }
}
const check = async (...words: string[]) => {
  const { code, out, err } = await shoal(['check', 'api', 'plants', ...words, '--json'])
  const answer =
    out === ''
      ? undefined
      : (JSON.parse(out) as { ok: boolean; figures: Record<string, number>; checks: { check: string; ok: boolean; what: string }[] })
  return { code, err, checks: answer?.checks ?? [], figures: answer?.figures ?? {} }
}
const tests = async (version: string) =>
  (await server.client(server.keys.viewer)('versions.tests', { params: { model: PLANTS, version } })).items

const KNOWN = [
  { input: { width: 2, colour: 'red' }, expect: { probabilities: [1 - tulip(2, 'red'), tulip(2, 'red')] } },
  { input: { width: 5.5, colour: 'blue' }, expect: { label: 'tulip' } },
  { input: { width: 5.5 }, expect: { error: 'invalid_input' } },
]

test('[CLI-70] cases with known answers: a version that takes other inputs fails them, and both results are kept with their version', async () => {
  const path = await cases(KNOWN)
  expect(await check('1', '--cases', path)).toMatchObject({ code: 0, checks: [{ ok: true }, { ok: true }, { ok: true }] })
  const changed = await check('2', '--cases', path)
  expect(changed.code).toBe(7)
  expect(changed.checks[0]).toMatchObject({
    check: 'case 1',
    ok: false,
    what: expect.stringMatching(/failed with invalid_input, expected an answer: .*lacks hue/),
  })
  const wrong = await check('1', '--cases', await cases([{ input: { width: 2, colour: 'blue' }, expect: { label: 'tulip' } }]), '--dry')
  expect(wrong).toMatchObject({ code: 7, checks: [{ what: 'answered rose, expected tulip' }] })
  expect(await tests('1')).toMatchObject([{ kind: 'regression', ok: true, checks: { length: 3 } }])
  expect(await tests('2')).toMatchObject([{ kind: 'regression', ok: false }])
  expect((await shoal(['versions', 'plants', '2'])).out).toMatch(/tests +regression failed/)
})

test('[CLI-70] load: answers a second and their latency, against what is asked for', async () => {
  const path = await cases(KNOWN)
  const enough = await check(
    '1',
    '--cases',
    path,
    '--kind',
    'load',
    '--seconds',
    '0.5',
    '--callers',
    '2',
    '--qps',
    '1',
    '--latency',
    '60000',
  )
  expect(enough).toMatchObject({ code: 0, checks: [{ check: 'answers' }, { check: 'qps' }, { check: 'p95Ms' }] })
  const { requests = 0, qps = 0, p50Ms = 0, p95Ms = 0, p99Ms = 0, failed } = enough.figures
  expect(failed).toBe(0)
  // as many answers as there were requests, in the time of the load and that of the last answer
  expect(requests / qps).toBeGreaterThan(0.49)
  expect([p50Ms, p95Ms, p99Ms]).toEqual([p50Ms, p95Ms, p99Ms].toSorted((a, b) => a - b))
  const slow = await check('1', '--cases', path, '--kind', 'load', '--seconds', '0.2', '--qps', '1000000')
  expect(slow).toMatchObject({ code: 7, checks: [{ ok: true }, { check: 'qps', ok: false }, { ok: true }] })
  expect((await tests('1')).filter(({ kind }) => kind === 'load')).toMatchObject([
    { ok: false },
    { ok: true, figures: { qps, p95Ms, requests } },
  ])
})

test('[CLI-70] callers without rights and broken requests are refused; a server that lets one in, or tells of its inside, fails', async () => {
  const path = await cases(KNOWN)
  const sound = await check('1', '--cases', path, '--kind', 'security')
  expect(sound.checks.filter(({ ok }) => !ok)).toEqual([])
  expect(sound.code).toBe(0)
  expect((await tests('1'))[0]).toMatchObject({ kind: 'security', ok: true, checks: { length: sound.checks.length } })
  const words = ['check', 'api', 'plants', '1', '--cases', path, '--kind', 'security', '--dry']
  const open = await shoal(words, (at, init) =>
    server.request(at, { ...init, headers: { 'content-type': 'application/json', authorization: `Bearer ${server.keys.viewer}` } }),
  )
  expect(open).toMatchObject({ code: 7, out: expect.stringMatching(/no key\tfailed\t200 without a code, expected 401/) })
  const talkative = await shoal(words, async (at, init) => {
    const response = await server.request(at, init)
    return response.ok
      ? response
      : new Response(`${await response.text()}\n    at answer (server/serving.ts:12:3)`, { status: response.status })
  })
  expect(talkative.out).toMatch(/tells of the inside/)
  const cut = await shoal(words, (at, init) =>
    String(init?.body).length > 1_000_000 ? Promise.reject(new TypeError('cut off')) : server.request(at, init),
  )
  expect(cut).toMatchObject({ code: 7, out: expect.stringMatching(/more than is taken\tfailed\tno answer, expected 413/) })
})

test('[CLI-70] what is not understood is exit code 2, cases that are none are a coded failure, and neither is recorded', async () => {
  const path = await cases(KNOWN)
  const before = (await tests('1')).length
  for (const words of [
    ['--kind', 'weather'],
    ['--kind', 'load', '--seconds', 'soon'],
    ['--kind', 'load', '--callers', '1.5'],
  ])
    expect((await check('1', '--cases', path, ...words)).code).toBe(2)
  expect(await check('9', '--cases', path)).toMatchObject({ code: 1, err: expect.stringContaining('unknown_version') })
  expect(await check('1', '--cases', await cases([{ input: { width: 1 } }]))).toMatchObject({
    code: 1,
    err: expect.stringContaining('cases.0.expect'),
  })
  expect(await check('1', '--cases', join(folder, 'nowhere.json'))).toMatchObject({ code: 1, err: expect.stringContaining('not_found') })
  expect(await tests('1')).toHaveLength(before)
})

test('[REG-33] passed is what the checks say; rollouts of the version are its canary tests; a viewer records nothing', async () => {
  const editor = server.client(server.keys.editor)
  const params = { model: PLANTS, version: '1' }
  const checks = [
    { check: 'k6', ok: true, what: 'fine' },
    { check: 'k6 errors', ok: false, what: '3 errors' },
  ]
  const recorded = await editor('versions.record-test', { params, body: { kind: 'load', checks, figures: { qps: 12 } } })
  expect(recorded).toMatchObject({ ok: false, by: expect.stringMatching(/./) as string, figures: { qps: 12 } })
  expect((await tests('1'))[0]).toEqual(recorded)
  const viewer = server.client(server.keys.viewer)
  await expect(viewer('versions.record-test', { params, body: { kind: 'load', checks } })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(
    editor('versions.record-test', { params: { ...params, version: '7' }, body: { kind: 'load', checks } }),
  ).rejects.toMatchObject({ code: 'unknown_version' })
  const admin = server.client(server.keys.admin)
  const canary = async () => (await tests('2')).filter(({ kind }) => kind === 'canary')
  expect(await canary()).toEqual([])
  const body = { candidate: 2, alias: 'stable' as Slug, mode: 'canary' as const, reason: 'try', policy: rolloutPolicy.parse({}) }
  const { id } = await admin('rollouts.start', { params: { model: PLANTS }, body })
  expect(await canary()).toMatchObject([{ ok: null, checks: [] }])
  await admin('rollouts.rollback', { params: { rollout: id }, body: { reason: 'too slow' } })
  expect(await canary()).toMatchObject([
    { ok: false, checks: [{ check: `canary ${id}`, what: expect.stringContaining('too slow') as string }] },
  ])
})
