import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliWorld, createCliWorld } from './cli-world.ts'

let world: CliWorld
beforeAll(async () => {
  world = await createCliWorld()
})
afterAll(() => world.close())

test('[CLI-1] a model is made and listed: a table on a terminal, tabs in a pipe, the answer of the API as JSON', async () => {
  expect(await world.run('models')).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/^no models yet/) as string })
  expect(await world.run(['models', 'create', 'digits', '--description', 'handwritten  digits'])).toEqual({
    code: 0,
    out: 'made model digits\n',
    err: '',
  })
  const table = await world.run('models', { tty: true })
  expect(stripVTControlCharacters(table.out).split('\n')).toEqual([
    'MODEL   VERSIONS  ALIASES  CREATED               DESCRIPTION',
    'digits         0  -        2026-01-01 00:00:00Z  handwritten digits',
    '',
  ])
  const piped = await world.run('models list')
  expect(piped.out).toBe('MODEL\tVERSIONS\tALIASES\tCREATED\tDESCRIPTION\ndigits\t0\t-\t2026-01-01 00:00:00Z\thandwritten digits\n')
  const json = await world.run('models list --json')
  expect(JSON.parse(json.out)).toMatchObject([{ name: 'digits', versions: 0, latest: null, description: 'handwritten  digits' }])
  expect(json.out.trimEnd()).not.toContain('\n')
})

test('[CLI-1] status tells server, readiness and what the key may do', async () => {
  const { code, out } = await world.run('status')
  expect(code).toBe(0)
  expect(out).toContain('http://localhost:8787 (shoal 0.0.0-test)')
  expect(out).toContain('tester: admin')
  const anonymous = await world.run('status --json', { env: {} })
  expect(JSON.parse(anonymous.out)).toMatchObject({ ready: true, key: null })
})

test('[CLI-1] a key is made with its secret alone on stdout, listed, and revoked', async () => {
  const made = await world.run('keys create laptop --scope editor --days 30')
  expect(made.out).toMatch(/^\S+\n$/)
  expect(made.err).toMatch(/^key_\w+ laptop \(editor\)/)
  const self = await world.run('keys self --json', { env: { SHOAL_KEY: made.out.trim() } })
  const { id, expires } = JSON.parse(self.out) as { id: string; expires: number }
  expect(expires - world.clock.now()).toBe(30 * 24 * 60 * 60 * 1000)
  expect(await world.run(['keys', 'revoke', id])).toMatchObject({ code: 0, out: `revoked ${id}\n` })
  expect(await world.run('models', { env: { SHOAL_KEY: made.out.trim() } })).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^shoal: key_revoked: /) as string,
  })
})

test('[CLI-2] a failure goes to stderr with its code, what was wrong and what to do; exit code 1', async () => {
  const { code, out, err } = await world.run('models show nothing')
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^shoal: unknown_model: .*\n {2}`npx shoal models` lists the models\n$/)
  const invalid = await world.run('models create Not_A_Slug')
  expect(invalid.err).toMatch(/^shoal: invalid_input: [^\n]*\n {2}[^\n]*name[^\n]*: lower-case letters/)
  const json = await world.run('models show nothing --json')
  expect(JSON.parse(json.err)).toMatchObject({ code: 'unknown_model', status: 404 })
})

test('[CLI-2] without a key, or with one of too small a scope, the advice is about keys', async () => {
  expect((await world.run('models', { env: {} })).err).toMatch(/^shoal: unauthenticated: .*\n {2}pass --key or set SHOAL_KEY/)
  const { out: viewer } = await world.run('keys create looker')
  expect((await world.run('models create x', { env: { SHOAL_KEY: viewer.trim() } })).err).toMatch(
    /^shoal: forbidden: .*\n {2}`npx shoal keys self`/,
  )
})

test.each([
  ['modls', 'there is no command shoal modls'],
  ['runs strat digits', 'there is no command shoal runs strat'],
  ['models --jsno', 'there is no option --jsno'],
  ['models show', 'MODEL'],
  ['models show digits more', 'more is one word too many'],
  ['rollback digits', '--reason'],
  ['alias digits stable 3', '--reason'],
  ['alias digits stable three --reason x', 'three is not a version number'],
  ['runs list --state lost', 'lost'],
  ['runs start digits epochs', 'epochs is not of the form name=value'],
  ['datasets upload digits rows.txt', 'neither .parquet, .csv'],
  ['keys create x --days soon', 'a whole number'],
  ['models --url', '--url needs a value'],
])('[CLI-3] `shoal %s` is not understood: exit code 2, why, where to read on, and nothing is sent', async (words, why) => {
  const before = world.requests.length
  const { code, out, err } = await world.run(words)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(why)
  expect(err).toMatch(/\n {2}shoal .*--help tells more\n$/)
  expect(world.requests.length).toBe(before)
})

test('[CLI-4] server and key come from options, before or after the command, or else from SHOAL_URL and SHOAL_KEY', async () => {
  const env = { SHOAL_URL: 'https://shoal.example/', SHOAL_KEY: world.key }
  await world.run('models', { env })
  expect(world.requests.at(-1)).toBe('GET https://shoal.example/v1/models')
  await world.run('models --url http://other:1', { env })
  expect(world.requests.at(-1)).toBe('GET http://other:1/v1/models')
  expect(await world.run(['--url=http://third:2', '--key', world.key, '--json', 'models'], { env: {} })).toMatchObject({ code: 0 })
  expect(world.requests.at(-1)).toBe('GET http://third:2/v1/models')
})
