import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { columnGroups, planColumns, readTable } from '../../../server/analysis/read-table.ts'
import { MixedTypes } from '../../../server/analysis/mixed-types.ts'
import { openTable, type Table } from '../../../server/analysis/open-table.ts'
import { tableStatistics } from '../../../server/analysis/table-statistics.ts'
import { parquetRows } from '../../../server/analysis/table-statistics-store.ts'
import { openDuck } from '../../../server/datasets/duckdb.ts'
import { must } from '../../../shared/core/assert.ts'
import { type DatasetStatistics, datasetStatisticsSchema, type FeatureStatistics } from '../../../shared/data/dataset-statistics.ts'
import { startStatistics } from '../../../shared/data/statistics.ts'
import { createFiles } from './files.ts'

const files = createFiles()
afterAll(files.remove)

/** Rows of every type that a table can have, with gaps, repetitions and oddities. */
const select = (rows: number): string => `
  SELECT i AS key, (i % 7)::TINYINT AS small, (hash(i) % 100000)::HUGEINT AS huge, i * 3 AS even,
    (hash(i + 1) % 1000)::DOUBLE AS whole, ((hash(i + 2) % 100000) / 7.0)::FLOAT AS fraction, ((hash(i + 3) % 5000) / 100.0)::DECIMAL(9, 2) AS price,
    CASE i % 50 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'Infinity'::DOUBLE WHEN 2 THEN '-Infinity'::DOUBLE WHEN 3 THEN NULL ELSE sqrt(i) - 10 END AS odd,
    CASE WHEN i % 3 > 0 THEN ['red', 'green', 'grün', 'blue 🐟', ''][1 + i % 5] END AS colour, 'item ' || (hash(i) % 20000) AS item, md5(i::VARCHAR)::UUID AS id, i % 2 = 0 AS flag,
    '2024-01-01'::TIMESTAMP + to_seconds(i * 61) AS at, ('1960-01-01'::DATE + (i % 9000)::INTEGER) AS born, '12:30:00'::TIME AS clock,
    '\\x00\\x01'::BLOB AS raw, NULL::INTEGER AS nothing, {'x': i % 4} AS point, CASE WHEN i % 5 > 0 THEN [i % 3, NULL, 4] END AS numbers,
    CASE WHEN i % 4 > 0 THEN ['a', 'b', 'c'][1:i % 4] END AS words, CASE WHEN i % 2 = 0 THEN 'yes' ELSE 'no' END AS label
  FROM range(${rows}) t(i)`

async function table(rows: number): Promise<Table> {
  const path = join(files.folder, `rows-${rows}.parquet`)
  const duck = await openDuck({ folder: files.folder })
  await duck.run(`COPY (${select(rows)}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 4096)`)
  duck.close()
  return openTable(path, 'parquet', files.folder)
}

const counted = (from: Table): Promise<DatasetStatistics> =>
  tableStatistics(from.duck, parquetRows(from.path, from.rows), from.columns, { label: 'label' })

async function read(from: Table): Promise<DatasetStatistics> {
  const planned = await planColumns(from, new Set())
  const stream = startStatistics({ label: 'label' })
  const [group = []] = columnGroups(planned, undefined)
  for await (const { batch } of readTable(from, group, new MixedTypes())) stream.add(batch)
  return stream.finish()
}

const round = (x: number): number => Number(x.toPrecision(9))
/** Sums may differ in their last digits, as they go in another order. */
function rounded(feature: FeatureStatistics): FeatureStatistics {
  const { numeric, categorical, lists } = feature
  return {
    ...feature,
    ...(lists && { lists: { ...lists, mean: round(lists.mean) } }),
    ...(numeric && { numeric: { ...numeric, mean: round(numeric.mean), deviation: round(numeric.deviation) } }),
    ...(categorical && { categorical: { ...categorical, meanLength: round(categorical.meanLength) } }),
  }
}

describe('[DAT-27] counted by a database and read row by row', () => {
  let small: Table
  let large: Table
  beforeAll(async () => {
    ;[small, large] = [await table(3000), await table(60_000)]
  })
  afterAll(() => {
    small.duck.close()
    large.duck.close()
  })

  test('[DAT-27] the same rows give the same statistics', async () => {
    const [mine, theirs] = [await counted(small), await read(small)]
    expect(mine.examples).toBe(3000)
    expect(datasetStatisticsSchema.parse(JSON.parse(JSON.stringify(mine)))).toEqual(mine)
    for (const [at, feature] of theirs.features.entries()) expect(rounded(must(mine.features[at], feature.name))).toEqual(rounded(feature))
    expect(mine.features).toHaveLength(theirs.features.length)
  })

  test('[DAT-27] beyond the sample all that is counted is the same, and the rest within its error', async () => {
    const [mine, theirs] = [await counted(large), await read(large)]
    for (const [at, feature] of theirs.features.entries()) {
      const found = rounded(must(mine.features[at], feature.name))
      const { numeric, categorical, labelAssociation, ...rest } = rounded(feature)
      expect(found).toMatchObject(rest)
      if (numeric) {
        const { quantiles, histogram, sampled: _, ...moments } = numeric
        expect(found.numeric).toMatchObject(moments)
        const span = numeric.max - numeric.min
        for (const [k, quantile] of quantiles.entries())
          expect(Math.abs(quantile - (found.numeric?.quantiles[k] ?? Number.NaN))).toBeLessThanOrEqual(0.1 * span)
        expect(found.numeric?.histogram.buckets.reduce((sum, { count }) => sum + count, 0)).toBeCloseTo(numeric.n, 3)
        expect(found.numeric?.histogram.nan).toBe(histogram.nan)
      }
      expect(Math.abs((labelAssociation ?? 0) - (found.labelAssociation ?? 0))).toBeLessThan(0.05)
      if (categorical?.exact === true) expect(found.categorical).toEqual(categorical)
      else if (categorical) expect(Math.abs((found.categorical?.unique ?? 0) / categorical.unique - 1)).toBeLessThan(0.25)
    }
  })

  test('[DAT-27] the same file gives the same bytes each time', async () => {
    expect(JSON.stringify(await counted(large))).toBe(JSON.stringify(await counted(large)))
  })

  test('[DAT-27] of values too many to count each, those that come back most are counted exactly', async () => {
    const path = join(files.folder, 'skewed.parquet')
    const duck = await openDuck({ folder: files.folder, files: [path] })
    // one row in ten says "often"; all others are different
    await duck.run(
      `COPY (SELECT CASE WHEN i % 10 = 0 THEN 'often' ELSE 'id ' || i END AS name FROM range(50000) t(i)) TO '${path}' (FORMAT parquet)`,
    )
    const { features } = await tableStatistics(duck, parquetRows(path, 50_000), [{ name: 'name', id: 'name', type: 'VARCHAR' }])
    duck.close()
    expect(features[0]?.categorical).toMatchObject({ exact: false, top: [{ value: 'often', count: 5000 }] })
    expect(Math.abs((features[0]?.categorical?.unique ?? 0) / 45_001 - 1)).toBeLessThan(0.06)
  })
})
