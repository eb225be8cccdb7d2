import { binOf, cutsOf } from './bin-cuts.ts'
import type { Pace } from './pace.ts'
import { type SparseFeature, sparseFeatures } from './sparse-features.ts'

/** A value of the rows within a column of codes. Its bin `b` has code `offset + b`; with a `zero` bin, which is code 0, the bins above that have one less. */
export type BinnedFeature = { readonly feature: number; readonly cuts: Float32Array; readonly offset: number; readonly zero: number }

/**
 * One byte a row: the bin of one feature, or of several of which a row has at most one away from zero, such as the places of a one-hot encoding. These share a column (Ke et al. 2017,
 * section 4, "exclusive feature bundling", here without any conflict): a histogram of it costs what that of one feature does.
 */
export type CodeColumn = { readonly codes: Uint8Array; readonly features: BinnedFeature[]; size: number }

export type BinnedRows = { readonly count: number; readonly columns: readonly CodeColumn[] }

const MOST_CODES = 256
/** Shared columns that a feature is tried on, the newest ones. */
const TRIED = 8

/** The code of a feature's bin in its column. */
export const codeOf = ({ offset, zero }: BinnedFeature, bin: number): number => {
  if (zero < 0) return bin
  return bin === zero ? 0 : offset + bin - (bin > zero ? 1 : 0)
}

/** Whether no row away from zero in this feature is so in another one of the column. */
function fits({ codes, size }: CodeColumn, { rows }: SparseFeature, more: number): boolean {
  if (size + more > MOST_CODES) return false
  for (let i = 0; i < rows.length; i++) if (codes[rows[i] as number] !== 0) return false
  return true
}

/** Puts a feature that is mostly zero into a column that it can share. */
function share(columns: CodeColumn[], one: SparseFeature, cuts: Float32Array, count: number): void {
  const { feature, rows, values } = one
  let column = columns.slice(-TRIED).find((tried) => fits(tried, one, cuts.length))
  if (column === undefined) {
    column = { codes: new Uint8Array(count), features: [], size: 1 }
    columns.push(column)
  }
  const binned = { feature, cuts, offset: column.size, zero: binOf(0, cuts) }
  for (let i = 0; i < rows.length; i++) column.codes[rows[i] as number] = codeOf(binned, binOf(values[i] as number, cuts))
  column.features.push(binned)
  column.size += cuts.length
}

function takeColumn(rows: Float32Array, features: number, feature: number, out: Float32Array): void {
  for (let row = 0, at = feature; row < out.length; row++, at += features) out[row] = rows[at] as number
}

function binColumn(column: Float32Array, cuts: Float32Array, out: Uint8Array): void {
  for (let row = 0; row < column.length; row++) out[row] = binOf(column[row] as number, cuts)
}

/** Cuts every feature into at most `bins` bins. A feature that has one value only is left out: there is nothing to ask of it. */
export async function binRows(rows: Float32Array, features: number, bins: number, pace: Pace): Promise<BinnedRows> {
  const count = rows.length / features
  const own: CodeColumn[] = []
  const together: CodeColumn[] = []
  const column = new Float32Array(count)
  for await (const { sparse, dense } of sparseFeatures(rows, features, pace)) {
    for (const one of sparse) {
      await pace()
      const cuts = cutsOf(one.values, bins, count - one.rows.length)
      if (cuts.length > 0) share(together, one, cuts, count)
    }
    for (const feature of dense) {
      await pace()
      takeColumn(rows, features, feature, column)
      const cuts = cutsOf(column, bins)
      if (cuts.length === 0) continue
      const codes = new Uint8Array(count)
      binColumn(column, cuts, codes)
      own.push({ codes, features: [{ feature, cuts, offset: 0, zero: -1 }], size: cuts.length + 1 })
    }
  }
  return { count, columns: [...own, ...together] }
}
