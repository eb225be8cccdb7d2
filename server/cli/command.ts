import { type ArgsDef, type ParsedArgs, parseArgs } from 'citty'
import { type Client, createClient, type Fetch } from '../../shared/contract/client.ts'
import type { Clock } from '../../shared/core/clock.ts'
import { type Output, outputTo } from './output.ts'

/** What the command line touches of the world. */
export type Cli = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean }
  readonly fetch: Fetch
  readonly clock: Clock
}

/** The command was not understood: exit code 2, and where to read on. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const COMMON_ARGS = {
  url: { type: 'string', description: 'Server (default: SHOAL_URL, else http://localhost:8787)', valueHint: 'url' },
  key: { type: 'string', description: 'API key (default: SHOAL_KEY)', valueHint: 'key' },
  json: { type: 'boolean', description: 'Print the answer as JSON' },
} as const satisfies ArgsDef

type Call<A extends ArgsDef> = {
  readonly args: ParsedArgs<A>
  readonly rest: readonly string[]
  readonly client: Client
  readonly url: string
  /** The key that `client` sends; undefined where none was given. */
  readonly key: string | undefined
  readonly output: Output
  readonly cli: Cli
}

type Spec<A extends ArgsDef> = {
  readonly name: string
  readonly description: string
  readonly args?: A
  /** What further words mean, such as `name=value …`; without it they are refused. */
  readonly rest?: string
  /** Resolves to the exit code, where that is not 0. */
  run(call: Call<A>): Promise<number | undefined>
}

/** One command: what the help needs, and `run` over its words. */
export type Command = {
  readonly name: string
  readonly description: string
  readonly args: ArgsDef
  readonly rest?: string
  /** What the help says besides. */
  readonly more?: string
  run(cli: Cli, words: string[]): Promise<number>
}

/** Commands under one name; `fallback` is the one that runs when none is named. */
export type Group = {
  readonly name: string
  readonly description: string
  readonly commands: readonly (Command | Group)[]
  readonly fallback?: string
}

export const isGroup = (command: Command | Group): command is Group => 'commands' in command

export function command<const A extends ArgsDef = Record<never, never>>(spec: Spec<A>): Command {
  const args: ArgsDef = { ...spec.args, ...COMMON_ARGS }
  return {
    name: spec.name,
    description: spec.description,
    args,
    ...(spec.rest === undefined ? {} : { rest: spec.rest }),
    async run(cli, words) {
      const parsed = parseWords(words, args)
      const rest = parsed._.slice(Object.values(args).filter((arg) => arg.type === 'positional').length)
      if (spec.rest === undefined && rest.length > 0) throw new UsageError(`${rest[0]} is one word too many`)
      const url = (stringOf(parsed['url']) ?? cli.env['SHOAL_URL'] ?? 'http://localhost:8787').replace(/\/+$/, '')
      const key = stringOf(parsed['key']) ?? cli.env['SHOAL_KEY']
      const client = createClient({ url, fetch: cli.fetch, token: () => key })
      const output = outputTo(cli, parsed['json'] === true)
      return (await spec.run({ args: parsed as ParsedArgs<A>, rest, client, url, key, output, cli })) ?? 0
    },
  }
}

/** citty's parser takes unknown options in silence; a mistyped one must not look as if it had worked. */
function parseWords(words: string[], args: ArgsDef): ParsedArgs {
  let parsed: ParsedArgs
  try {
    parsed = parseArgs(words, args)
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown))
  }
  for (const name of Object.keys(parsed))
    if (name !== '_' && !(name in args)) throw new UsageError(`there is no option ${name.length === 1 ? '-' : '--'}${name}`)
  for (const [name, arg] of Object.entries(args))
    if (arg.type === 'string' && parsed[name] === '') throw new UsageError(`--${name} needs a value`)
  return parsed
}

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A version number as a person types it. */
export function versionOf(word: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(word)) throw new UsageError(`${word} is not a version number (1, 2, 3 …)`)
  return Number(word)
}
