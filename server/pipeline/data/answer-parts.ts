import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../../shared/core/json.ts'
import { literal, openDuck, PARQUET_OPTIONS } from '../../datasets/duckdb.ts'
import type { Answer, AnswerForm } from './answer-form.ts'

type Options = { readonly kept: string; readonly memoryMb: number; readonly form: AnswerForm; readonly version: number }

const PART = /^part-\d{6}\.parquet$/

async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync()
  await file.close()
}

/**
 * Answers in parts of so many rows, in a folder that outlives an interruption: what stands in a whole part is not asked again. Equal rows give equal parts.
 */
export async function answerParts({ kept, memoryMb, form, version }: Options) {
  await mkdir(kept, { recursive: true })
  const partPath = (n: number): string => join(kept, `part-${String(n).padStart(6, '0')}.parquet`)
  let parts = (await readdir(kept)).filter((name) => PART.test(name)).length

  return {
    /** Whole parts that are there. */
    get count(): number {
      return parts
    },

    async add(answers: readonly Answer[]): Promise<void> {
      const duck = await openDuck({ folder: kept, memoryMb, threads: 1 })
      try {
        await duck.run(`CREATE TABLE answers (id VARCHAR, ${form.columns}, version INTEGER)`)
        const appender = await duck.connection.createAppender('answers')
        for (const { id, append } of answers) {
          if (id === null) appender.appendNull()
          else appender.appendVarchar(id)
          append(appender)
          appender.appendInteger(version)
          appender.endRow()
        }
        appender.closeSync()
        const unfinished = join(kept, 'unfinished.parquet')
        await duck.run(`COPY answers TO ${literal(unfinished)} ${PARQUET_OPTIONS}`)
        await onDisk(unfinished)
        await rename(unfinished, partPath(parts))
        parts++
      } finally {
        duck.close()
      }
    },

    /** All parts as one file, and what they come to. */
    async join(to: string, folder: string): Promise<JsonObject> {
      const files = Array.from({ length: parts }, (_, n) => partPath(n))
      const duck = await openDuck({ folder, files, memoryMb, threads: 1 })
      try {
        const all = `read_parquet([${files.map(literal).join(', ')}])`
        await duck.run(`COPY (SELECT * FROM ${all}) TO ${literal(to)} ${PARQUET_OPTIONS}`)
        return await form.summary(duck, all)
      } finally {
        duck.close()
      }
    },
  }
}
