import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { literal, openDuck } from '../../../server/datasets/duckdb.ts'
import { readBatches } from '../../../server/pipeline/data/parquet-batches.ts'
import { writeFlights } from '../../../server/pipelines/flights-data.ts'
import { must } from '../../../shared/core/assert.ts'
import { seededRandom, shuffled } from '../../../shared/core/random.ts'

export type Row = Readonly<Record<string, string | number>>

/** A table to learn from: all columns but `label` are asked about. */
export type Table = {
  readonly name: string
  readonly label: string
  readonly task: 'regression' | 'classification'
  readonly train: readonly Row[]
  readonly test: readonly Row[]
}

const SEED = 1

/** The shells of npm's ydf-training: 4,177 rows, of which 30 in 100 are for the test. */
export async function abalone(): Promise<Table> {
  // main is dist/training.js
  const folder = join(dirname(createRequire(import.meta.url).resolve('ydf-training')), '..')
  const [head = '', ...lines] = (await readFile(join(folder, 'test', 'abalone.csv'), 'utf8')).trim().split('\n')
  const names = head.split(',')
  const rows = lines.map((line): Row => {
    const cells = line.split(',')
    return Object.fromEntries(
      names.map((name, i): [string, string | number] => [name, name === 'Type' ? must(cells[i], name) : Number(cells[i])]),
    )
  })
  const mixed = shuffled(rows, seededRandom(SEED))
  const cut = Math.floor(0.7 * mixed.length)
  return { name: 'abalone', label: 'Rings', task: 'regression', train: mixed.slice(0, cut), test: mixed.slice(cut) }
}

/** Flights of half a year, one of `every`; the newest fifth is for the test, as in the flights pipeline. */
export async function flightsTable(folder: string, every: number): Promise<Table> {
  const path = join(folder, 'flights.parquet')
  await writeFlights(path, folder, { from: '2001-01-01', until: '2001-07-01', every })
  const duck = await openDuck({ folder, files: [path], threads: 1 })
  try {
    const rows: Row[] = []
    const query = `SELECT dayofweek(date)::INTEGER AS day, hour(date)::INTEGER AS hour, distance, origin, destination,
      CASE WHEN delay >= 15 THEN 'late' ELSE 'on time' END AS late FROM read_parquet(${literal(path)}) ORDER BY date, id`
    for await (const batch of readBatches(duck, query)) {
      const columns = Object.entries(batch) as [string, (string | number)[]][]
      for (let i = 0; i < must(columns[0], 'a column')[1].length; i++)
        rows.push(Object.fromEntries(columns.map(([name, values]): [string, string | number] => [name, must(values[i], name)])))
    }
    const cut = Math.floor(0.8 * rows.length)
    return {
      name: 'flights',
      label: 'late',
      task: 'classification',
      train: shuffled(rows.slice(0, cut), seededRandom(SEED)),
      test: rows.slice(cut),
    }
  } finally {
    duck.close()
  }
}
