import { must } from '../../../shared/core/assert.ts'
import { AppError } from '../../../shared/core/errors.ts'
import type { BatchTransform, Examples } from '../../../shared/compute/examples.ts'
import { asIs } from '../../../shared/compute/examples.ts'
import { applyTransforms } from '../../../shared/data/apply-transforms.ts'
import { type Batch, batchLength, type Column, isImageColumn } from '../../../shared/data/columns.ts'
import { fitImages, fittedSize, ofFitted } from '../../../shared/data/fit-images.ts'
import { rowWidth } from '../../../shared/data/transforms.ts'
import { literal, openDuck, quoted } from '../../datasets/duckdb.ts'
import { answersWithNumber, type Preparation } from './example-form.ts'
import { readBatches } from './parquet-batches.ts'
import { type RowFilter, whereSql } from './row-filter.ts'

/** A split in memory, ready for training and evaluation. */
export type SplitExamples = {
  readonly examples: Examples
  /** Numbers of labels; for regression the numbers to be predicted. */
  readonly labels: Int32Array | Float32Array
  /** From stored values to what the network takes; images stay bytes until they are in a batch. */
  readonly transform: BatchTransform
  /** What each row has in the columns that quality is sliced by. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Rows whose label the model does not know, or is no number where one is predicted: they were left out. */
  readonly unknown: number
}

/** The shape of one example, as the network takes it. */
export function inputShape({ form, transforms }: Preparation): number[] {
  if (form.kind !== 'image') return [rowWidth(transforms)]
  const [first] = transforms
  const { height, width } = first?.kind === 'image-scale' ? fittedSize(first) : form
  return [height, width, form.channels]
}

/** Images as bytes of the size that the network takes. */
export function fittedPixels(batch: Batch, column: string, [first]: Preparation['transforms']): Uint8Array {
  const images = batch[column]
  if (images === undefined || !isImageColumn(images)) throw new AppError('invalid_input', `column ${column} must hold images`)
  return first?.kind === 'image-scale' ? fitImages(first, images).pixels : images.pixels
}

/** Fitted bytes to network inputs, the very code that runs on devices. */
export function transformOf(prepared: Preparation): BatchTransform {
  const { form } = prepared
  if (form.kind === 'columns') return asIs
  const { column, channels } = form
  const [height = 0, width = 0] = inputShape(prepared)
  const transforms = prepared.transforms.map((each) => (each.kind === 'image-scale' ? ofFitted(each, { height, width }) : each))
  return (raw, out) => {
    const pixels = raw instanceof Uint8Array ? raw : new Uint8Array(Uint8ClampedArray.from(raw).buffer)
    out.set(applyTransforms(transforms, { [column]: { kind: 'images', height, width, channels, pixels } }))
  }
}

/** What is read so far; the arrays have room for every row that may come. */
type Filling = {
  readonly inputs: Uint8Array | Float32Array
  readonly labels: Int32Array | Float32Array
  readonly groups: Record<string, string[]>
  /** One text for all rows of a group. */
  readonly texts: Map<string, string>
  rows: number
  unknown: number
}

/** Bytes of a split that a step holds: beside it, in a step's memory (component.ts), go a chosen part of it, another split, and the network. */
const MAX_SPLIT_BYTES = 1280 * 1024 * 1024
/** Of a row's group: where its text is. */
const POINTER_BYTES = 8

const MIB = 1024 * 1024

function roomFor(rows: number, prepared: Preparation): Filling {
  const { form, sliceBy } = prepared
  const width = inputShape(prepared).reduce((product, size) => product * size, 1)
  const image = form.kind === 'image'
  const bytes =
    rows * ((image ? 1 : Float32Array.BYTES_PER_ELEMENT) * width + Int32Array.BYTES_PER_ELEMENT + POINTER_BYTES * sliceBy.length)
  if (bytes > MAX_SPLIT_BYTES) {
    const most = Math.floor((rows * MAX_SPLIT_BYTES) / bytes)
    throw new AppError(
      'invalid_input',
      `the split has ${rows} rows of ${width} values, ${Math.ceil(bytes / MIB)} MiB where a step holds ${MAX_SPLIT_BYTES / MIB}: let the query of the extract step give fewer rows (this split may have ${most}), or the transforms fewer values`,
    )
  }
  return {
    inputs: image ? new Uint8Array(rows * width) : new Float32Array(rows * width),
    labels: answersWithNumber(prepared) ? new Float32Array(rows) : new Int32Array(rows),
    groups: Object.fromEntries(sliceBy.map((name) => [name, []])),
    texts: new Map(),
    rows: 0,
    unknown: 0,
  }
}

function inputsOf(batch: Batch, { form, transforms }: Preparation): Uint8Array | Float32Array {
  if (form.kind === 'columns') return applyTransforms(transforms, batch)
  return fittedPixels(batch, form.column, transforms)
}

type NumberOf = (label: unknown) => number | undefined

function numbering(prepared: Preparation): NumberOf {
  const known = new Map(prepared.labels.map((name, i) => [name, i]))
  if (!answersWithNumber(prepared)) return (label) => known.get(String(label))
  return (label) => {
    const value = typeof label === 'string' && label.trim() === '' ? Number.NaN : Number(label)
    return Number.isFinite(value) ? value : undefined
  }
}

function take(filling: Filling, batch: Batch, prepared: Preparation, numberOf: NumberOf): void {
  const { sliceBy } = prepared
  const { groups, texts } = filling
  const rows = batchLength(batch)
  const label = must(batch['label'], 'the label column') as Exclude<Column, { kind: 'images' }>
  const values = inputsOf(batch, prepared)
  const width = values.length / rows
  let from = 0
  let to = filling.rows * width
  const keepUntil = (row: number): void => {
    filling.inputs.set(values.subarray(from * width, row * width), to)
    to += (row - from) * width
    from = row + 1
  }
  for (let row = 0; row < rows; row++) {
    const number = numberOf(label[row])
    if (number === undefined) {
      filling.unknown++
      keepUntil(row)
      continue
    }
    filling.labels[filling.rows++] = number
    for (const name of sliceBy) {
      const column = batch[name] as Exclude<Column, { kind: 'images' }> | undefined
      const text = String(column?.[row] ?? '')
      const known = texts.get(text)
      if (known === undefined) texts.set(text, text)
      must(groups[name], name).push(known ?? text)
    }
  }
  keepUntil(rows)
}

/**
 * Reads a split. Columns: `label`, those of the form, those to slice by. Throws invalid_input where nothing usable is in it, and where it is too large to be held (1,280 MiB
 * of network inputs, labels and groups).
 */
export async function loadSplit(
  path: string,
  prepared: Preparation,
  folder: string,
  options: { readonly rows?: number | undefined; readonly where?: RowFilter | undefined } = {},
): Promise<SplitExamples> {
  const { form, sliceBy } = prepared
  const duck = await openDuck({ folder, files: [path], memoryMb: 512, threads: 1 })
  try {
    const wanted = [...new Set(['label', ...(form.kind === 'image' ? [form.column] : form.columns), ...sliceBy])]
    const where = options.where === undefined ? '' : ` WHERE ${whereSql(options.where)}`
    const limit = options.rows === undefined ? '' : ` LIMIT ${options.rows}`
    const from = `read_parquet(${literal(path)})${where}${limit}`
    const [counted] = await duck.rows(`SELECT count(*)::DOUBLE AS n FROM (SELECT 1 FROM ${from})`)
    const filling = roomFor(Number(counted?.['n'] ?? 0), prepared)
    const numberOf = numbering(prepared)
    for await (const batch of readBatches(duck, `SELECT ${wanted.map(quoted).join(', ')} FROM ${from}`, form))
      take(filling, batch, prepared, numberOf)
    const { inputs, labels, groups, rows, unknown } = filling
    if (rows === 0) throw new AppError('invalid_input', 'the split has no row whose label the model can learn: one it knows, or a number')
    return {
      // without the room of rows that were left out
      examples: {
        data: unknown === 0 ? inputs : inputs.slice(0, (inputs.length / labels.length) * rows),
        shape: [rows, ...inputShape(prepared)],
      },
      labels: unknown === 0 ? labels : labels.slice(0, rows),
      transform: transformOf(prepared),
      groups,
      unknown,
    }
  } finally {
    duck.close()
  }
}
