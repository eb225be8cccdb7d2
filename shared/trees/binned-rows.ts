import { binColumn, cutsOf } from './bin-cuts.ts'
import type { Pace } from './pace.ts'

/** A value of the rows within a column of codes. Its bin `b` has code `offset + b`; with a `zero` bin, which is code 0, the bins above that have one less. */
export type BinnedFeature = { readonly feature: number; readonly cuts: Float32Array; readonly offset: number; readonly zero: number }

/**
 * One byte a row: the bin of one feature, or of several of which a row has at most one away from zero, such as the places of a one-hot encoding. These share a column (Ke et al. 2017,
 * section 4, "exclusive feature bundling", here without any conflict): a histogram of it costs what that of one feature does.
 */
export type CodeColumn = { readonly codes: Uint8Array; readonly features: BinnedFeature[]; size: number }

export type BinnedRows = { readonly count: number; readonly columns: readonly CodeColumn[] }

/** Features of one look at the rows: as many float32 as a cache line holds. */
const TOGETHER = 16
const MOST_CODES = 256
/** Shared columns that a feature is tried on, the newest ones. */
const TRIED = 8

type Shared = CodeColumn & { used: number }

/** The code of a feature's bin in its column. */
export const codeOf = ({ offset, zero }: BinnedFeature, bin: number): number => {
  if (zero < 0) return bin
  return bin === zero ? 0 : offset + bin - (bin > zero ? 1 : 0)
}

/** Whether no row away from zero in this feature is so in another one of the column. */
function fits({ codes, used, size }: Shared, bins: Uint8Array, zero: number, away: number, more: number): boolean {
  if (used + away > codes.length || size + more > MOST_CODES) return false
  for (let i = 0; i < bins.length; i++) if (bins[i] !== zero && codes[i] !== 0) return false
  return true
}

function share(column: Shared, bins: Uint8Array, binned: BinnedFeature, away: number): void {
  for (let i = 0; i < bins.length; i++) if (bins[i] !== binned.zero) column.codes[i] = codeOf(binned, bins[i] as number)
  column.features.push(binned)
  column.used += away
  column.size += binned.cuts.length
}

/** Puts a feature of few values that are mostly zero into a column that it can share; false for one that needs its own. */
function shared(columns: Shared[], bins: Uint8Array, feature: number, cuts: Float32Array): boolean {
  let zero = 0
  while (zero < cuts.length && (cuts[zero] as number) < 0) zero++
  let away = 0
  for (let i = 0; i < bins.length; i++) if (bins[i] !== zero) away++
  // a column of zeros takes at most as many rows as there are: what fills it more than half can seldom share
  if (away === bins.length || cuts.length + 1 > MOST_CODES / 2) return false
  let column = columns.slice(-TRIED).find((one) => fits(one, bins, zero, away, cuts.length))
  if (column === undefined) {
    column = { codes: new Uint8Array(bins.length), features: [], size: 1, used: 0 }
    columns.push(column)
  }
  share(column, bins, { feature, cuts, offset: column.size, zero }, away)
  return true
}

/** Cuts every feature into at most `bins` bins. A feature that has one value only is left out: there is nothing to ask of it. */
export async function binRows(rows: Float32Array, features: number, bins: number, pace: Pace): Promise<BinnedRows> {
  const count = rows.length / features
  const own: CodeColumn[] = []
  const together: Shared[] = []
  const columns = Array.from({ length: Math.min(TOGETHER, features) }, () => new Float32Array(count))
  for (let from = 0; from < features; from += TOGETHER) {
    const to = Math.min(features, from + TOGETHER)
    for (let row = 0; row < count; row++)
      for (let feature = from; feature < to; feature++)
        (columns[feature - from] as Float32Array)[row] = rows[row * features + feature] as number
    for (let feature = from; feature < to; feature++) {
      await pace()
      const column = columns[feature - from] as Float32Array
      const cuts = cutsOf(column, bins)
      if (cuts.length === 0) continue
      const codes = new Uint8Array(count)
      binColumn(column, cuts, codes)
      if (!shared(together, codes, feature, cuts))
        own.push({ codes, features: [{ feature, cuts, offset: 0, zero: -1 }], size: cuts.length + 1 })
    }
  }
  return { count, columns: [...own, ...together] }
}
