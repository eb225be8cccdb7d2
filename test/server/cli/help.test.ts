import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { type Command, type Group, isGroup } from '../../../server/cli/command.ts'
import { runCli } from '../../../server/cli/run-cli.ts'
import { runs } from '../../../server/cli/commands/runs.ts'
import { shoal } from '../../../server/cli/tree.ts'
import { manualClock } from '../../../shared/core/clock.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

async function print(words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const into = (lines: string[]) => new Writable({ write: (chunk, _, done) => (lines.push(String(chunk)), done()) })
  const fetch = () => expect.fail('help asks no server')
  const code = await runCli(words, { env: {}, stdout: into(out), stderr: into(err), clock: manualClock(), fetch })
  return { code, out: out.join(''), err: err.join('') }
}

const leaves = (found: Command | Group, path: readonly string[] = []): [path: string, command: Command][] =>
  isGroup(found) ? found.commands.flatMap((each) => leaves(each, [...path, each.name])) : [[path.join(' '), found]]

test('[CLI-8] without words, and with --help, every command is listed', async () => {
  const { code, out } = await print([])
  expect(code).toBe(0)
  expect(out).toBe((await print(['--help'])).out)
  for (const { name, description } of shoal.commands) expect(out).toMatch(new RegExp(`^ +${name} {4}${description.slice(0, 20)}`, 'm'))
})

test.each(leaves(shoal))(
  '[CLI-8] `shoal %s --help` says what it does and explains each of its words and options',
  async (path, command) => {
    const { code, out } = await print([...path.split(' '), '--help'])
    expect(code).toBe(0)
    expect(out.startsWith(`${command.description} (shoal ${path})\n`)).toBe(true)
    for (const [name, arg] of Object.entries(command.args)) {
      expect(arg.description, name).toBeTruthy()
      expect(out).toContain(arg.type === 'positional' ? name.toUpperCase() : `--${name}`)
    }
  },
)

test('[CLI-8] the help of a command reads like this', async () => {
  expect((await print(['rollback', '-h'])).out).toBe(`Take an alias back to the version before, for the whole fleet (shoal rollback)

USAGE shoal rollback [OPTIONS] <MODEL> --reason=<reason>

ARGUMENTS

  MODEL    Name of the model (Required)

OPTIONS

    --alias=<alias>    Which alias (Default: stable)
  --reason=<reason>    Why, for the history (Required)
        --url=<url>    Server (default: SHOAL_URL, else http://localhost:8787)
        --key=<key>    API key (default: SHOAL_KEY)
             --json    Print the answer as JSON

`)
})

test('[CLI-9] the launcher goes on in Node 24 and passes words and exit code through', () => {
  const launcher = join(ROOT, 'server', 'cli', 'shoal.js')
  expect(execFileSync(process.execPath, [launcher, '--version'], { encoding: 'utf8' })).toBe(`${packageJson.version}\n`)
  const wrong = spawnSync(process.execPath, [launcher, 'modls'], { encoding: 'utf8' })
  expect(wrong).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('there is no command shoal modls') as string })
  // as an older Node sees it: the version it reads is the only thing that differs
  const older = `Object.defineProperty(process.versions, 'node', { value: '20.0.0' }); process.argv.splice(1, 0, 'shoal'); await import(${JSON.stringify(launcher)})`
  const handedOn = spawnSync(process.execPath, ['--input-type=module', '--eval', older, 'modls'], { encoding: 'utf8' })
  expect(handedOn).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no command shoal modls') as string })
})

test.skipIf(process.platform === 'win32')('[CLI-10] bash completes commands, their subcommands and their options', async () => {
  const { out } = await print(['completion', 'bash'])
  const complete = (line: string): string[] => {
    const script = `${out}\nCOMP_WORDS=(${line} ''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _shoal; echo "\${COMPREPLY[*]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(' ')
  }
  expect(complete('shoal')).toEqual(shoal.commands.map((each) => each.name))
  expect(complete('shoal runs')).toEqual(runs.commands.map((each) => each.name))
  expect(complete('shoal runs start digits')).toEqual(['--reason', '--once', '--follow', '--url', '--key', '--json'])
  expect(complete('shoal rollback digits')).toContain('--reason')
  expect(await print(['completion', 'fish'])).toMatchObject({ code: 2, out: '' })
})
