import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname } from 'node:path'
import { AppError } from '../../shared/core/errors.ts'
import { validateStatistics } from '../../shared/data/anomalies.ts'
import type { Anomaly } from '../../shared/data/anomaly.ts'
import type { DatasetStatistics, FeatureStatistics } from '../../shared/data/dataset-statistics.ts'
import { inferSchema } from '../../shared/data/infer-schema.ts'
import type { DatasetSchema } from '../../shared/data/schema.ts'
import { startStatistics } from '../../shared/data/statistics.ts'
import { type Suggestion, suggestPreparation } from '../../shared/data/suggestions.ts'
import { inFolder } from '../datasets/span-files.ts'
import { type FileFormat, openTable, type Table, unreadable } from './open-table.ts'
import { MixedTypes } from './mixed-types.ts'
import { columnGroups, isLookedAt, planColumns, type PlannedColumn, readTable } from './read-table.ts'
import { tableStatistics } from './table-statistics.ts'
import { parquetRows } from './table-statistics-store.ts'

export type AnalyseOptions = {
  readonly label?: string
  /** What the file is held against. Its label counts where none is named. */
  readonly schema?: DatasetSchema
  /** Of a SQLite file that has several. */
  readonly table?: string
  /** Features of other environments are not missed. */
  readonly environment?: string
  readonly onProgress?: (progress: AnalyseProgress) => void
}

/** Rows read so far, of all; many columns are read in parts, and their rows count once for each. Before the first row the file is looked over. */
export type AnalyseProgress = { readonly rows: number; readonly total: number }

/** What can be said about a file of rows. */
export type Analysis = {
  readonly file: string
  readonly format: FileFormat
  readonly bytes: number
  readonly label: string | null
  readonly statistics: DatasetStatistics
  /** A first schema, to be reviewed by a person. */
  readonly schema: DatasetSchema
  readonly suggestions: readonly Suggestion[]
  /** Against the schema that was given; null without one. */
  readonly anomalies: readonly Anomaly[] | null
  /** Columns whose values are not all of one type, with the first row that differs. */
  readonly mixed: readonly MixedColumn[]
}

export type MixedColumn = { readonly feature: string; readonly row: number; readonly value: string; readonly advice: string }

/** Of all features together: what is kept in memory and printed as JSON. */
const MAX_TOP_VALUES = 1_000_000
/** Rows up to which reading them one by one is quicker; all of them are in the sample then. */
const READ_ROWS = 10_000

const FORMATS: Record<string, FileFormat> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.parquet': 'parquet',
  '.sqlite': 'sqlite',
  '.sqlite3': 'sqlite',
  '.db': 'sqlite',
}

/** The kinds of files that can be analysed. */
export const ANALYSED_FILES = Object.keys(FORMATS)

/** By its name; undefined for a file that cannot be analysed. */
export const formatOf = (path: string): FileFormat | undefined => FORMATS[extname(path).toLowerCase()]

/**
 * Analyses a CSV, JSON, Parquet or SQLite file in bounded memory, whatever its length.
 * @throws AppError not_found, or invalid_input naming file, line or column, and what to do.
 */
export async function analyseFile(path: string, format: FileFormat, options: AnalyseOptions = {}): Promise<Analysis> {
  const bytes = await sizeOf(path)
  return inFolder(tmpdir(), async (folder) => {
    const table = await openTable(path, format, folder, basename(path), options.table)
    try {
      const label = labelOf(table, options)
      const mixedTypes = new MixedTypes()
      const statistics = await statisticsOf(table, label, mixedTypes, options)
      const inLabel = label === undefined ? {} : { label }
      return {
        file: table.file,
        format,
        bytes,
        label: label ?? null,
        statistics,
        schema: inferSchema(statistics, inLabel),
        suggestions: suggestPreparation(statistics, inLabel),
        anomalies:
          options.schema === undefined
            ? null
            : validateStatistics(statistics, options.schema, options.environment === undefined ? {} : { environment: options.environment })
                .anomalies,
        mixed: mixedTypes.found(statistics),
      }
    } finally {
      table.duck.close()
    }
  })
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new AppError('not_found', `${path} cannot be read`, { cause })
  })
  if (!found.isFile()) throw new AppError('invalid_input', `${path} is no file`)
  if (found.size === 0) throw new AppError('invalid_input', `${basename(path)} is empty: it needs rows`)
  return found.size
}

function labelOf({ columns, file }: Table, { label, schema }: AnalyseOptions): string | undefined {
  const has = (name: string): boolean => columns.some((column) => column.name === name)
  if (label === undefined) return schema?.label !== undefined && has(schema.label) ? schema.label : undefined
  if (has(label)) return label
  const names = columns.slice(0, 10).map((column) => column.name)
  throw new AppError(
    'invalid_input',
    `${file} has no column ${label} to be the label; it has ${names.join(', ')}${columns.length > 10 ? ' …' : ''}`,
  )
}

/** DuckDB counts what it can; what has to be looked at value by value is read some hundred columns at a time, the label among each. */
async function statisticsOf(
  table: Table,
  label: string | undefined,
  mixedTypes: MixedTypes,
  { schema, onProgress = () => {} }: AnalyseOptions,
): Promise<DatasetStatistics> {
  const numbers = (schema?.features ?? []).filter(({ type }) => type === 'int' || type === 'float')
  const planned = await planColumns(table, new Set(numbers.map(({ name }) => name)))
  // a query or more for each column is worth it where rows are many
  const isCounted = (column: PlannedColumn): boolean => table.rows > READ_ROWS && !isLookedAt(column)
  const counted = planned.filter(isCounted)
  const read = planned.filter((column) => !isCounted(column))
  const groups = columnGroups(
    read,
    planned.find(({ name }) => name === label),
  )
  const inLabel = label === undefined ? {} : { label }
  const { rows } = table
  const total = rows * (groups.length + (counted.length > 0 ? 1 : 0))
  // fewer top values of each where there are very many features, but never fewer than a schema's domain may have
  const top = Math.min(1000, Math.max(100, Math.floor(MAX_TOP_VALUES / table.columns.length)))
  let done = 0
  const found = new Map<string, FeatureStatistics>()
  if (counted.length > 0) {
    const onColumn = (columns: number) => onProgress({ rows: Math.floor((rows * columns) / counted.length), total })
    const statistics = await tableStatistics(table.duck, parquetRows(table.path, rows), counted, {
      ...inLabel,
      top,
      onProgress: onColumn,
    }).catch((thrown: unknown) => {
      throw unreadable(table.file, thrown)
    })
    for (const feature of statistics.features) found.set(feature.name, feature)
    done = rows
  }
  for (const group of groups) {
    const stream = startStatistics(inLabel)
    for await (const { batch, length } of readTable(table, group, mixedTypes)) {
      stream.add(batch)
      done += length
      onProgress({ rows: done, total })
    }
    for (const feature of stream.finish().features) if (!found.has(feature.name)) found.set(feature.name, withTop(feature, top))
  }
  return { examples: rows, features: table.columns.flatMap(({ name }) => found.get(name) ?? []) }
}

const withTop = (feature: FeatureStatistics, length: number): FeatureStatistics =>
  feature.categorical === undefined || feature.categorical.top.length <= length
    ? feature
    : { ...feature, categorical: { ...feature.categorical, top: feature.categorical.top.slice(0, length) } }
