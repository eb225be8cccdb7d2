import { must } from '../core/assert.ts'
import { type Random, seededRandom } from '../core/random.ts'
import {
  type Batch,
  batchLength,
  type Column,
  type ImageColumn,
  imageAt,
  isImageColumn,
  isListColumn,
  type ListColumn,
  type Scalar,
} from './columns.ts'
import type { DatasetStatistics, FeatureStatistics } from './dataset-statistics.ts'
import { IMAGE_FEATURES, imageFeatures } from './image-features.ts'
import { labelAssociation } from './label-association.ts'
import { summariseNumbers } from './numeric-statistics.ts'
import type { FeatureType } from './schema.ts'
import { countValues } from './value-counts.ts'

export type StatisticsOptions = {
  /** Rows kept for quantiles, histograms and association with the label. Default 10,000. */
  readonly sampleRows?: number
  readonly label?: string
  /** Chooses the sample. Default: a fixed seed, so that the same rows always give the same statistics. */
  readonly random?: Random
}

/** Statistics of a data set of any length in bounded memory: add batches, then finish. */
export type StatisticsStream = { add(batch: Readonly<Record<string, Column | ListColumn>>): void; finish(): DatasetStatistics }

const LIST_SAMPLE = 10_000

type Sampled = number | string | null

function typeOf(value: Exclude<Scalar, null | undefined>): FeatureType {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'string' || typeof value === 'boolean') return 'string'
  return value instanceof Date ? 'time' : 'bytes'
}

/** The type that all values have: whole numbers are floats where others are not whole; types that do not agree make a string. */
export function commonType(types: ReadonlyMap<FeatureType, number>): FeatureType | null {
  const names = [...types.keys()]
  if (names.length <= 1) return names[0] ?? null
  return names.every((name) => name === 'int' || name === 'float') ? 'float' : 'string'
}

function startFeature(name: string, missingSoFar: number) {
  const types = new Map<FeatureType, number>()
  const numbers = summariseNumbers()
  const values = countValues()
  const sample: Sampled[] = []
  const parts = IMAGE_FEATURES.map((part) => ({ part, numbers: summariseNumbers(), sample: [] as number[] }))
  const shapes = new Map<string, { height: number; width: number; channels: number; count: number }>()
  const inLists: number[] = []
  let lists: { min: number; max: number; total: number } | undefined
  let missing = missingSoFar
  let count = 0
  const see = (type: FeatureType) => types.set(type, (types.get(type) ?? 0) + 1)
  const addValue = (value: Exclude<Scalar, null | undefined>): Sampled => {
    const type = typeOf(value)
    see(type)
    if (type === 'bytes') return null
    if (type === 'string') {
      values.add(String(value))
      return String(value)
    }
    const number = value instanceof Date ? value.getTime() : Number(value)
    numbers.add(number)
    if (type === 'int') values.add(String(value))
    return number
  }
  const addScalar = (value: Scalar): Sampled => {
    if (value === null || value === undefined) {
      missing++
      return null
    }
    count++
    return addValue(value)
  }
  /** Values of lists have no place in the sample of rows: their first 10,000 numbers stand for them. */
  const addList = (list: readonly Scalar[] | null | undefined) => {
    if (list === null || list === undefined) {
      missing++
      return
    }
    count++
    const { min = Infinity, max = 0, total = 0 } = lists ?? {}
    lists = { min: Math.min(min, list.length), max: Math.max(max, list.length), total: total + list.length }
    for (const value of list) {
      if (value === null || value === undefined) continue
      const kept = addValue(value)
      if (typeof kept === 'number' && inLists.length < LIST_SAMPLE) inLists.push(kept)
    }
  }
  const addImage = (column: ImageColumn, row: number, slot: number) => {
    see('image')
    count++
    const found = imageFeatures(imageAt(column, row), column)
    for (const { part, numbers: summary, sample: kept } of parts) {
      summary.add(found[part])
      if (slot >= 0) kept[slot] = found[part]
    }
  }
  return {
    sample,
    addMissing: (rows: number) => {
      missing += rows
    },
    addColumn: (column: Column | ListColumn, rows: number, slots: Int32Array) => {
      if (isListColumn(column)) {
        for (const list of column.lists) addList(list)
        return
      }
      if (isImageColumn(column)) {
        const { height, width, channels } = column
        const key = `${height}x${width}x${channels}`
        shapes.set(key, { height, width, channels, count: (shapes.get(key)?.count ?? 0) + rows })
        for (let row = 0; row < rows; row++) addImage(column, row, slots[row] as number)
        return
      }
      for (let row = 0; row < rows; row++) {
        const kept = addScalar(column[row])
        const slot = slots[row] as number
        if (slot >= 0) sample[slot] = kept
      }
    },
    finish: (association: number | undefined): FeatureStatistics => {
      const type = commonType(types)
      const sampled = lists === undefined ? sample.filter((value): value is number => typeof value === 'number') : inLists
      const numeric = numbers.finish(sampled)
      // the whole numbers among others are no categories of their own
      const categorical = type === 'float' ? undefined : values.finish()
      const images = [...shapes.values()]
      const features = parts.flatMap(({ part, numbers: summary, sample: kept }) => {
        // rows of the sample in which another type stood leave holes
        const statistics = summary.finish(kept.filter((value) => value !== undefined))
        return statistics === undefined ? [] : [[part, statistics] as const]
      })
      return {
        name,
        type,
        types: Object.fromEntries(types),
        count,
        missing,
        ...(numeric === undefined ? {} : { numeric }),
        ...(categorical === undefined ? {} : { categorical }),
        ...(lists === undefined ? {} : { lists: { min: lists.min, max: lists.max, mean: lists.total / count } }),
        ...(images.length === 0 ? {} : { image: { shapes: images, features: Object.fromEntries(features) } }),
        ...(association === undefined || lists !== undefined ? {} : { labelAssociation: association }),
      }
    },
  }
}

export function startStatistics({ sampleRows = 10_000, label, random = seededRandom(1) }: StatisticsOptions = {}): StatisticsStream {
  const features = new Map<string, ReturnType<typeof startFeature>>()
  let examples = 0

  /** Where each row goes in the sample, -1 for nowhere (algorithm R, Vitter 1985). */
  const drawSlots = (rows: number): Int32Array =>
    Int32Array.from({ length: rows }, (_, row) => {
      const seen = examples + row
      if (seen < sampleRows) return seen
      const slot = random.integer(seen + 1)
      return slot < sampleRows ? slot : -1
    })

  return {
    add: (batch) => {
      const rows = batchLength(batch)
      const slots = drawSlots(rows)
      for (const name of Object.keys(batch)) if (!features.has(name)) features.set(name, startFeature(name, examples))
      for (const [name, feature] of features) {
        const column = Object.hasOwn(batch, name) ? must(batch[name], name) : undefined
        if (column !== undefined) feature.addColumn(column, rows, slots)
        else {
          feature.addMissing(rows)
          for (const slot of slots) if (slot >= 0) feature.sample[slot] = null
        }
      }
      examples += rows
    },
    finish: () => {
      const labels = label === undefined ? undefined : features.get(label)?.sample
      return {
        examples,
        features: [...features].map(([name, feature]) =>
          feature.finish(labels === undefined || name === label ? undefined : (labelAssociation(feature.sample, labels) ?? undefined)),
        ),
      }
    },
  }
}

/** Statistics of rows that are all there. */
export function statisticsOfBatch(batch: Batch, options: StatisticsOptions = {}): DatasetStatistics {
  const stream = startStatistics(options)
  stream.add(batch)
  return stream.finish()
}
