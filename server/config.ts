import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as z from 'zod/mini'
import { AppError, type Issue } from '../shared/core/errors.ts'

const port = z.coerce.number().check(z.int(), z.minimum(0), z.maximum(65_535))
const origin = z.string().check(z.regex(/^https?:\/\/[^/\s]+$/, 'an origin such as https://shoal.example'))
const list = z.pipe(
  z.string(),
  z.transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
)

/** Where the pages of this package are built to. */
export const OWN_PAGES = fileURLToPath(new URL('../dist', import.meta.url))

/** Every setting: a flag `--log-level`, or an environment variable `SHOAL_LOG_LEVEL`. The flag wins. */
const settings = z.object({
  data: z._default(z.string().check(z.minLength(1)), './data'),
  port: z._default(port, 8787),
  host: z._default(z.string().check(z.minLength(1)), '127.0.0.1'),
  logLevel: z._default(z.enum(['debug', 'info', 'warning', 'error']), 'info'),
  client: z._default(z.string().check(z.minLength(1)), OWN_PAGES),
  origins: z._default(z.pipe(list, z.array(origin)), []),
  adminKey: z.optional(z.string()),
  pipelines: z._default(list, []),
  sources: z.optional(z.string()),
  demo: z._default(z.enum(['full', 'small', 'none']), 'full'),
})
export type Config = z.infer<typeof settings>

const ABOUT: Record<keyof Config, string> = {
  data: 'folder that holds everything: database, blobs, signing keys',
  port: 'port to listen on; 0 for any free one',
  host: 'address to listen on; 0.0.0.0 for all',
  logLevel: 'debug, info, warning or error',
  client: 'folder of the built pages',
  origins: 'origins, separated by commas, whose pages may call with a key',
  pipelines: 'modules, separated by commas, that export more `pipelines`',
  sources: 'JSON file that names databases and folders to import from',
  demo: 'train the digits demo at the first start: full, small or none',
  adminKey: 'secret of an admin key to make (better as SHOAL_ADMIN_KEY)',
}
const NAMES = Object.keys(ABOUT) as (keyof Config)[]

const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const variableOf = (name: string): string => `SHOAL_${flagOf(name).replaceAll('-', '_').toUpperCase()}`

/** The settings, or `invalid_input` that names each flag or variable that is unknown or wrong. */
export function readConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Config | 'help' {
  const flags = parseFlags(args)
  if (flags['help'] !== undefined) return 'help'
  const given = Object.fromEntries(
    NAMES.map((name) => [name, flags[flagOf(name)] ?? environment[variableOf(name)]]).filter(
      ([, value]) => value !== undefined && value !== '',
    ),
  )
  const parsed = z.safeParse(settings, given, { error: z.locales.en().localeError })
  if (parsed.success)
    return {
      ...parsed.data,
      data: resolve(parsed.data.data),
      client: resolve(parsed.data.client),
      pipelines: parsed.data.pipelines.map((path) => resolve(path)),
    }
  const issues = parsed.error.issues.map((issue): Issue => {
    const name = String(issue.path[0])
    return { where: flags[flagOf(name)] === undefined ? variableOf(name) : `--${flagOf(name)}`, what: issue.message }
  })
  throw new AppError('invalid_input', issues.map(({ where, what }) => `${where}: ${what}`).join('; '), { issues })
}

function parseFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(NAMES.map((name) => [flagOf(name), { type: 'string' as const }]))
  try {
    return parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      strict: true,
      allowPositionals: false,
    }).values as Record<string, string | boolean | undefined>
  } catch (cause) {
    throw new AppError('invalid_input', `${cause instanceof Error ? cause.message : String(cause)} (--help lists them)`, { cause })
  }
}

export const HELP = [
  'Usage: shoal serve [settings]',
  '',
  ...NAMES.map((name) => `  --${flagOf(name).padEnd(11)} ${variableOf(name).padEnd(17)} ${ABOUT[name]}`),
  '',
].join('\n')
