import { assert } from '../core/assert.ts'
import type { Counts } from './counters.ts'
import type { Reference } from './reference.ts'

/** One cell of the distribution that drift is measured on. */
export type DriftCell = { readonly label: string; readonly reference: number; readonly current: number }

/** All cells of one feature: those that have an order, from low to high, then those that have none. Missing and NaN are part of the distribution. */
export type DriftCells = {
  readonly ordered: readonly DriftCell[]
  readonly unordered: readonly DriftCell[]
  /** Cells that should be nearly empty, joined: what is below, what is above, what is no proper value. */
  readonly odd: readonly DriftCell[]
}

const short = (x: number): string => String(Number(x.toPrecision(3)))

export function driftCells(reference: Reference, counts: Counts): DriftCells {
  if (reference.kind === 'numeric') {
    assert(counts.kind === 'numeric', 'counts fit their reference')
    const { edges } = reference
    const cell = (i: number) => counts.cells[i] ?? 0
    const top = edges.length - 1
    const below = { label: `below ${short(edges[0] ?? 0)}`, reference: 0, current: cell(0) }
    const above = { label: `above ${short(edges[top] ?? 0)}`, reference: 0, current: cell(top + 1) }
    const unordered = [
      { label: 'not a number', reference: reference.nan, current: counts.nan },
      { label: 'infinite', reference: reference.infinite, current: counts.posInf + counts.negInf },
      { label: 'missing', reference: reference.missing, current: counts.missing },
    ]
    return {
      ordered: [
        below,
        ...reference.counts.map((count, i) => ({
          label: `${short(edges[i] ?? 0)} to ${short(edges[i + 1] ?? 0)}`,
          reference: count,
          current: cell(i + 1),
        })),
        above,
      ],
      unordered,
      odd: [below, above, unordered.reduce(join)],
    }
  }
  assert(counts.kind === 'categorical', 'counts fit their reference')
  const other = { label: 'other values', reference: reference.other, current: counts.other }
  const missing = { label: 'missing', reference: reference.missing, current: counts.missing }
  return {
    ordered: [],
    unordered: [
      ...reference.values.map((value, i) => ({ label: `"${value}"`, reference: reference.counts[i] ?? 0, current: counts.counts[i] ?? 0 })),
      other,
      missing,
    ],
    odd: [other, missing],
  }
}

export const cellTotals = ({ ordered, unordered }: Pick<DriftCells, 'ordered' | 'unordered'>): { reference: number; current: number } => {
  let reference = 0
  let current = 0
  for (const cells of [ordered, unordered]) {
    for (const cell of cells) {
      reference += cell.reference
      current += cell.current
    }
  }
  return { reference, current }
}

const join = (a: DriftCell, b: DriftCell): DriftCell => ({
  label: a.reference + a.current === 0 ? b.label : b.reference + b.current === 0 ? a.label : `${a.label}, ${b.label}`,
  reference: a.reference + b.reference,
  current: a.current + b.current,
})

/**
 * Cells joined until each is expected `minimum` times in the smaller sample, neighbours with neighbours where there is an order. What is joined depends
 * on both samples' sum only, not on how it is shared between them, so the tests keep their size.
 */
export function pooledCells(cells: Pick<DriftCells, 'ordered' | 'unordered'>, minimum = 5): DriftCell[] {
  const { reference, current } = cellTotals(cells)
  const smaller = Math.min(reference, current) / (reference + current)
  const enough = (cell: DriftCell) => (cell.reference + cell.current) * smaller >= minimum
  const pooled: DriftCell[] = []
  let open: DriftCell | undefined
  for (const cell of cells.ordered) {
    open = open === undefined ? cell : join(open, cell)
    if (enough(open)) {
      pooled.push(open)
      open = undefined
    }
  }
  const rest = cells.unordered.filter((cell) => {
    if (enough(cell)) pooled.push(cell)
    return !enough(cell)
  })
  // what is left of the top of the order belongs to the cell below it; rare unordered cells belong together
  const last = cells.ordered.length > 0 ? pooled.findLastIndex((cell) => !cells.unordered.includes(cell)) : -1
  if (open !== undefined && last >= 0) pooled[last] = join(pooled[last] as DriftCell, open)
  else if (open !== undefined) rest.push(open)
  if (rest.length > 0) {
    const all = rest.reduce(join)
    if (enough(all) || pooled.length === 0) pooled.push(all)
    else if (all.reference + all.current > 0) {
      let least = 0
      pooled.forEach((cell, i) => {
        if (cell.reference + cell.current < (pooled[least] as DriftCell).reference + (pooled[least] as DriftCell).current) least = i
      })
      pooled[least] = join(pooled[least] as DriftCell, all)
    }
  }
  return pooled
}
