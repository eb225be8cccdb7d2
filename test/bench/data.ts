// Statistics, validation and preparation of 5 million rows x 20 columns, the first two beside the bare DuckDB query for the same figures; memory at its highest.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableStatistics } from '../../server/analysis/table-statistics.ts'
import { parquetColumns, parquetRows } from '../../server/analysis/table-statistics-store.ts'
import { literal, openDuck } from '../../server/datasets/duckdb.ts'
import { systemClock } from '../../shared/core/clock.ts'
import { validateStatistics } from '../../shared/data/anomalies.ts'
import type { DatasetStatistics } from '../../shared/data/dataset-statistics.ts'
import { inferSchema } from '../../shared/data/infer-schema.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import { type Bench, compare, timingRows } from '../measure.ts'
import { writeManyRows } from './data/many-rows.ts'
import { prepareRows } from './data/prepare-rows.ts'

const MIB = 2 ** 20

/** What anybody would ask of a table first: count, gaps, extremes, mean and deviation, distinct values, quartiles. Not a number counts as missing, as DuckDB's moments fail on it. */
async function bareQuery(path: string, folder: string): Promise<void> {
  const duck = await openDuck({ folder, files: [path] })
  try {
    const asked = (await parquetColumns(duck, path)).flatMap(({ id, type }, at) => {
      const isNumber = /INT|DOUBLE|FLOAT/.test(type)
      const x = type === 'DOUBLE' || type === 'FLOAT' ? `(CASE WHEN isfinite(${id}) THEN ${id} END)` : id
      const figures = [`count(${id})`, `count(*) - count(${id})`, `min(${x})`, `max(${x})`, `approx_count_distinct(${id})`]
      if (isNumber) figures.push(`avg(${x})`, `stddev_samp(${x})`)
      if (isNumber || /DATE|TIMESTAMP/.test(type)) figures.push(`approx_quantile(${x}, [0.25, 0.5, 0.75])`)
      return figures.map((sql, figure) => `${sql} AS f${at}_${figure}`)
    })
    await duck.rows(`SELECT count(*), ${asked.join(', ')} FROM read_parquet(${literal(path)})`)
  } finally {
    duck.close()
  }
}

/** As the steps analyse and validate-data do it: beside the schema, and the span before. */
async function analysed(path: string, folder: string, rows: number, against?: { schema: DatasetSchema; previous: DatasetStatistics }) {
  const duck = await openDuck({ folder, files: [path], threads: 1 })
  try {
    const statistics = await tableStatistics(duck, parquetRows(path, rows), await parquetColumns(duck, path), { label: 'returned' })
    const report = against && validateStatistics(statistics, against.schema, { environment: 'TRAINING', previous: against.previous })
    return { statistics, report }
  } finally {
    duck.close()
  }
}

/** `npm run bench -- data [rows]` */
export const bench: Bench = async ({ words: [given], say, table }) => {
  const rows = given === undefined ? 5_000_000 : Number(given)
  const folder = await mkdtemp(join(tmpdir(), 'shoal-data-'))
  const path = join(folder, 'rows.parquet')
  try {
    await writeManyRows(path, rows, folder)
    say(`${rows} rows of 20 columns`)
    const { statistics: previous } = await analysed(path, folder, rows)
    const drift = { jensenShannonDivergence: 0.1, significance: { alpha: 0.01, margin: 0.05 } }
    const inferred = inferSchema(previous, { label: 'returned' })
    const schema = { ...inferred, features: inferred.features.map((feature) => ({ ...feature, drift })) }
    let anomalies = 0
    const timings = await compare({
      clock: systemClock,
      rounds: 3,
      warmup: 1,
      sides: {
        shoal: async () => {
          const { report } = await analysed(path, folder, rows, { schema, previous })
          anomalies = report?.anomalies.length ?? -1
        },
        duckdb: () => bareQuery(path, folder),
      },
    })
    table(timingRows(timings))
    const prepared = await prepareRows(path, rows, folder)
    say(`prepared in ${prepared.seconds.toFixed(1)} s with at most ${prepared.peakMiB} MiB, in a process of its own`)
    return {
      rows,
      columns: previous.features.length,
      anomalies,
      shoalMs: Math.round(timings.shoal.median),
      duckdbMs: Math.round(timings.duckdb.median),
      ratioVsDuckdb: Number((timings.shoal.median / timings.duckdb.median).toFixed(2)),
      // of the whole process, the bare query included
      peakMiB: Math.round((process.resourceUsage().maxRSS * 1024) / MIB),
      prepareSeconds: Number(prepared.seconds.toFixed(1)),
      // of the step's own process
      preparePeakMiB: prepared.peakMiB,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
