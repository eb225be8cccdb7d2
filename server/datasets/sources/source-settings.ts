import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { AppError } from '../../../shared/core/errors.ts'
import { SLUG } from '../../../shared/core/ids.ts'

/** Places outside of Shoal that data may be imported from. Only who runs the server names them; requests use their names. */
const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('postgres'), url: z.string().regex(/^postgres(ql)?:\/\//) }),
  z.strictObject({ kind: z.literal('sqlite'), path: z.string().min(1) }),
  /** CSV, JSON, Parquet and SQLite files in a folder. */
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1) }),
])
export type Source = z.output<typeof source>

const sources = z.record(z.string().regex(SLUG), source)
export type Sources = z.output<typeof sources>

/** Reads the file that `--sources` names. @throws AppError invalid_input naming what does not fit; never what a URL holds. */
export async function readSources(path: string | undefined): Promise<Sources> {
  if (path === undefined) return {}
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('invalid_input', `--sources: ${path} cannot be read`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('invalid_input', `--sources: ${path} is not JSON`, { cause })
  }
  const parsed = sources.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => ({ where: `${path} /${issue.path.join('/')}`, what: issue.message }))
  throw new AppError('invalid_input', `--sources: ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`, { issues })
}

/** What of a source is wanted: a table, what a SELECT gives, or a file of a folder. */
export const selection = z.strictObject({
  table: z.string().min(1).max(200).optional(),
  query: z.string().min(1).max(20_000).optional(),
  file: z.string().min(1).max(1000).optional(),
})
export type Selection = z.output<typeof selection>

/** The selection in words, for the record: `source` of the span. */
export const selectionText = (name: string, kind: Source['kind'], { table, query, file }: Selection): string =>
  [`${kind} ${name}`, file, table ?? query?.replace(/\s+/g, ' ')]
    .filter((part) => part !== undefined)
    .join(': ')
    .slice(0, 200)
