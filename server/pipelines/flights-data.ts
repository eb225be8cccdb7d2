import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AppError } from '../../shared/core/errors.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import { literal, openDuck, PARQUET_OPTIONS } from '../datasets/duckdb.ts'

const always = { minFraction: 1, minCount: 1 }

/** What rows must look like once `late` has been worked out. A flight is late that comes 15 minutes after its time or more, as the US Department of Transportation counts. */
export const flightsSchema: DatasetSchema = {
  environments: ['TRAINING', 'SERVING'],
  label: 'late',
  features: [
    { name: 'id', type: 'string', presence: always },
    { name: 'date', type: 'time', presence: always },
    {
      name: 'distance',
      type: 'int',
      presence: always,
      domain: { kind: 'range', min: 1, max: 10_000, disallowNan: true, disallowInf: true },
    },
    { name: 'origin', type: 'string', presence: always },
    { name: 'destination', type: 'string', presence: always },
    { name: 'delay', type: 'int', presence: always, environments: ['TRAINING'] },
    {
      name: 'late',
      type: 'string',
      presence: always,
      domain: { kind: 'values', values: ['late', 'on time'], minMass: 1 },
      environments: ['TRAINING'],
    },
  ],
}

/** The data set has 3,000,000 flights in order of date: every 15th makes 200,000. */
const EVERY = 15

/** Where the npm package vega-datasets lies. Throws not_found when it is not installed. */
function flightsFile(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', 'flights-3m.parquet')
  } catch (cause) {
    throw new AppError('not_found', 'the npm package vega-datasets is not installed: npm install --include=dev', { cause })
  }
}

export type FlightDays = {
  /** The first day, and the one after the last, as 2001-01-31. There are flights of January to June 2001. */
  readonly from: string
  readonly until: string
  /** One of how many flights; 15 when absent. */
  readonly every?: number
}

/**
 * Writes the flights of some days as Parquet: `id`, `date` (when it left, local time without a zone), `delay` (minutes on arrival), `distance` (miles), `origin`, `destination` (IATA codes). Returns the number
 * of rows. Throws invalid_input for days that have none.
 */
export async function writeFlights(to: string, folder: string, { from, until, every = EVERY }: FlightDays): Promise<number> {
  const path = flightsFile()
  const duck = await openDuck({ folder, files: [path], threads: 1 })
  try {
    await duck.run(`COPY (
      SELECT 'flight-' || file_row_number AS id, date, delay::INTEGER AS delay, distance::INTEGER AS distance, origin, destination
      FROM read_parquet(${literal(path)}, file_row_number = true)
      WHERE file_row_number % ${every} = 0 AND date >= CAST(${literal(from)} AS TIMESTAMP) AND date < CAST(${literal(until)} AS TIMESTAMP)
      ORDER BY file_row_number) TO ${literal(to)} ${PARQUET_OPTIONS}`)
    const [counted] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM read_parquet(${literal(to)})`)
    const rows = Number(counted?.['n'] ?? 0)
    if (rows === 0)
      throw new AppError('invalid_input', `there are no flights from ${from} until ${until}: name days from 2001-01-01 to 2001-06-30`)
    return rows
  } finally {
    duck.close()
  }
}
