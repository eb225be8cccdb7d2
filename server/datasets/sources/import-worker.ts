import { realpath } from 'node:fs/promises'
import { basename, extname, join, sep } from 'node:path'
import { AppError, type Problem, toAppError, toProblem } from '../../../shared/core/errors.ts'
import { openPostgresSource } from '../../storage/source-postgres.ts'
import { openSqliteSource } from '../../storage/source-sqlite.ts'
import { fileToParquet, uploadFormatOf } from '../span-files.ts'
import { rowsToParquet } from './rows-to-parquet.ts'
import type { Selection, Source } from './source-settings.ts'

/** A process of its own: a query that never ends, or eats memory, is ended with it. Asked once, answers once. */
export type ImportTask = {
  readonly name: string
  readonly source: Source
  readonly selection: Selection
  readonly to: string
  readonly folder: string
  readonly timeoutMs: number
}
export type ImportAnswer = { readonly ok: true } | { readonly ok: false; readonly problem: Problem }

const SQLITE = new Set(['.db', '.sqlite', '.sqlite3'])

async function importRows({ name, source, selection, to, folder, timeoutMs }: ImportTask): Promise<void> {
  switch (source.kind) {
    case 'postgres': {
      const rows = await openPostgresSource(source.url, name, { ...selection, timeoutMs })
      try {
        await rowsToParquet(rows, to, folder)
      } finally {
        await rows.close()
      }
      return
    }
    case 'sqlite':
      return importSqlite(source.path, name, selection, to, folder)
    case 'folder': {
      const path = await insideOf(source.path, name, selection.file)
      if (SQLITE.has(extname(path).toLowerCase())) return importSqlite(path, basename(path), selection, to, folder)
      const format = uploadFormatOf(path)
      if (format === undefined)
        throw new AppError('invalid_input', `${selection.file} is neither CSV, JSON, Parquet nor SQLite, by the end of its name`)
      if (selection.query !== undefined || selection.table !== undefined)
        throw new AppError('invalid_input', `${selection.file} is one table: a query or table goes with a SQLite file or a database`)
      return fileToParquet(path, basename(path), format, to, folder)
    }
  }
}

async function importSqlite(path: string, name: string, selection: Selection, to: string, folder: string): Promise<void> {
  const rows = openSqliteSource(path, name, selection)
  try {
    await rowsToParquet(rows, to, folder)
  } finally {
    rows.close()
  }
}

/** A file of the folder, wherever links lead. */
async function insideOf(folder: string, name: string, file: string | undefined): Promise<string> {
  if (file === undefined) throw new AppError('invalid_input', `${name} is a folder: name a file of it`)
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new AppError('unavailable', `the folder of ${name} cannot be read`, { cause })
  })
  const path = await realpath(join(root, file)).catch((cause: unknown) => {
    throw new AppError('not_found', `${name} has no file ${file}`, { cause })
  })
  if (!path.startsWith(root + sep)) throw new AppError('not_found', `${name} has no file ${file}`)
  return path
}

process.once('message', (task: ImportTask) => {
  const answer = (message: ImportAnswer): void => void process.send?.(message, () => process.disconnect?.())
  importRows(task).then(
    () => answer({ ok: true }),
    (thrown: unknown) => answer({ ok: false, problem: toProblem(toAppError(thrown)) }),
  )
})
