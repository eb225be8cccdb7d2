import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FLOAT, LIST } from '@duckdb/node-api'
import { type Duck, literal, openDuck, PARQUET_OPTIONS } from '../../datasets/duckdb.ts'

export type Answer = {
  readonly id: string | null
  readonly label: string
  readonly confidence: number
  readonly probabilities: number[]
  readonly version: number
}

const PART = /^part-\d{6}\.parquet$/

async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.sync()
  await file.close()
}

/**
 * Answers in parts of so many rows, in a folder that outlives an interruption: what stands in a whole part is not asked again. Equal rows give equal parts.
 */
export async function answerParts({ kept, memoryMb }: { readonly kept: string; readonly memoryMb: number }) {
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
        await duck.run('CREATE TABLE answers (id VARCHAR, label VARCHAR, confidence FLOAT, probabilities FLOAT[], version INTEGER)')
        const appender = await duck.connection.createAppender('answers')
        for (const { id, label, confidence, probabilities, version } of answers) {
          if (id === null) appender.appendNull()
          else appender.appendVarchar(id)
          appender.appendVarchar(label)
          appender.appendFloat(confidence)
          appender.appendList(probabilities, LIST(FLOAT))
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

    /** All parts as one file: how many answers there are of each label. */
    async join(to: string, folder: string): Promise<ReadonlyMap<string, number>> {
      const files = Array.from({ length: parts }, (_, n) => partPath(n))
      const duck: Duck = await openDuck({ folder, files, memoryMb, threads: 1 })
      try {
        const all = `read_parquet([${files.map(literal).join(', ')}])`
        await duck.run(`COPY (SELECT * FROM ${all}) TO ${literal(to)} ${PARQUET_OPTIONS}`)
        const counted = await duck.rows(`SELECT label, count(*)::DOUBLE AS n FROM ${all} GROUP BY label`)
        return new Map(counted.map((row) => [String(row['label']), Number(row['n'])]))
      } finally {
        duck.close()
      }
    },
  }
}
