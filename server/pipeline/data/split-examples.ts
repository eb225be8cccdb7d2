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

type Growing = { inputs: (Uint8Array | Float32Array)[]; labels: number[]; groups: Record<string, string[]>; unknown: number }

function inputsOf(batch: Batch, { form, transforms }: Preparation): Uint8Array | Float32Array {
  if (form.kind === 'columns') return applyTransforms(transforms, batch)
  return fittedPixels(batch, form.column, transforms)
}

function joined(parts: readonly (Uint8Array | Float32Array)[], image: boolean): Uint8Array | Float32Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const all = image ? new Uint8Array(length) : new Float32Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Drops rows by index, for labels that are not among the model's. */
function keepRows(values: Uint8Array | Float32Array, width: number, rows: readonly number[]): Uint8Array | Float32Array {
  const kept = values instanceof Uint8Array ? new Uint8Array(rows.length * width) : new Float32Array(rows.length * width)
  for (const [to, from] of rows.entries()) kept.set(values.subarray(from * width, (from + 1) * width), to * width)
  return kept
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

function take(growing: Growing, batch: Batch, prepared: Preparation, numberOf: NumberOf): void {
  const { sliceBy } = prepared
  const rows = batchLength(batch)
  const label = must(batch['label'], 'the label column') as Exclude<Column, { kind: 'images' }>
  const kept: number[] = []
  for (let row = 0; row < rows; row++) {
    const number = numberOf(label[row])
    if (number === undefined) {
      growing.unknown++
      continue
    }
    kept.push(row)
    growing.labels.push(number)
    for (const name of sliceBy) {
      const column = batch[name] as Exclude<Column, { kind: 'images' }> | undefined
      must(growing.groups[name], name).push(String(column?.[row] ?? ''))
    }
  }
  const values = inputsOf(batch, prepared)
  growing.inputs.push(kept.length === rows ? values : keepRows(values, values.length / rows, kept))
}

/** Reads a split. Columns: `label`, those of the form, those to slice by. Throws invalid_input where nothing usable is in it. */
export async function loadSplit(
  path: string,
  prepared: Preparation,
  folder: string,
  options: { readonly rows?: number | undefined; readonly where?: RowFilter | undefined } = {},
): Promise<SplitExamples> {
  const { form, sliceBy } = prepared
  const duck = await openDuck({ folder, files: [path], memoryMb: 512, threads: 1 })
  const growing: Growing = { inputs: [], labels: [], groups: Object.fromEntries(sliceBy.map((name) => [name, []])), unknown: 0 }
  try {
    const wanted = [...new Set(['label', ...(form.kind === 'image' ? [form.column] : form.columns), ...sliceBy])]
    const where = options.where === undefined ? '' : ` WHERE ${whereSql(options.where)}`
    const limit = options.rows === undefined ? '' : ` LIMIT ${options.rows}`
    const numberOf = numbering(prepared)
    for await (const batch of readBatches(
      duck,
      `SELECT ${wanted.map(quoted).join(', ')} FROM read_parquet(${literal(path)})${where}${limit}`,
      form,
    ))
      take(growing, batch, prepared, numberOf)
  } finally {
    duck.close()
  }
  const count = growing.labels.length
  if (count === 0) throw new AppError('invalid_input', 'the split has no row whose label the model can learn: one it knows, or a number')
  const image = form.kind === 'image'
  return {
    examples: { data: joined(growing.inputs, image), shape: [count, ...inputShape(prepared)] },
    labels: answersWithNumber(prepared) ? Float32Array.from(growing.labels) : Int32Array.from(growing.labels),
    transform: transformOf(prepared),
    groups: growing.groups,
    unknown: growing.unknown,
  }
}
