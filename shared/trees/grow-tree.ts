import { must } from '../core/assert.ts'
import { type BinnedRows, codeOf } from './binned-rows.ts'
import { findSplit, leafValue, type Split, type SplitRules, type Sums } from './find-split.ts'
import { type Derivatives, fillHistogram, gatherRoom, type Histogram, histogramLayout, type RowRange, subtract } from './histogram.ts'
import type { Pace } from './pace.ts'

export type TreeRules = SplitRules & {
  /** Questions on the way to a leaf, at most. */
  readonly depth: number
  /** Leaves of a tree, at most: the best split of all open leaves comes first then (Ke et al. 2017, "leaf-wise"). */
  readonly leaves?: number | undefined
}

/** A leaf of a tree, or a question with what follows. */
export type TreeNode = RowRange & {
  split?: Split
  /** Numbers of the nodes after yes and no. */
  children?: readonly [number, number]
  /** What a leaf adds, before shrinkage. */
  value: number
}

/** A tree in the order in which it grew; `rows` stand so that each leaf's are those of its range. */
export type GrownTree = { readonly nodes: readonly TreeNode[] }

type OpenLeaf = RowRange & {
  readonly node: number
  readonly depth: number
  readonly total: Sums
  readonly split: Split
  /** Kept where there is room for it: then only the smaller child needs to be counted. */
  readonly histogram: Histogram | undefined
}

/** Bytes of histograms that open leaves may keep. */
const KEPT_BYTES = 64 * 1024 * 1024

/** Grows trees over the same binned rows, one after another, in the same memory. Leaves whose histograms are more than `keptBytes` are counted anew when they are split. */
export function treeGrower(binned: BinnedRows, keptBytes = KEPT_BYTES) {
  const { offsets, length } = histogramLayout(binned)
  const room = gatherRoom(binned.count)
  const aside = new Int32Array(binned.count)
  const free: Histogram[] = []
  const take = (): Histogram => free.pop() ?? new Float64Array(length)
  const mostKept = keptBytes / (length * Float64Array.BYTES_PER_ELEMENT)

  /** Puts the rows that answer yes before the others, both in their order; where the others begin. */
  function part(rows: Int32Array, { from, to }: RowRange, { column, feature, bin }: Split): number {
    const { codes } = must(binned.columns[column], 'a column')
    const goesLeft = new Uint8Array(256)
    if (feature.zero >= 0 && feature.zero <= bin) goesLeft.fill(1)
    for (let one = 0; one <= feature.cuts.length; one++) goesLeft[codeOf(feature, one)] = one <= bin ? 1 : 0
    let [left, right] = [from, 0]
    for (let i = from; i < to; i++) {
      const row = rows[i] as number
      const yes = goesLeft[codes[row] as number] as number
      rows[left] = row
      aside[right] = row
      left += yes
      right += 1 - yes
    }
    rows.set(aside.subarray(0, right), left)
    return left
  }

  return {
    /**
     * One tree over `rows`, which it puts into another order. `all` says that they are all rows in their order, `allowed` by feature which may be asked about. Lets others of the
     * thread have their turn.
     */
    async grow(
      rows: Int32Array,
      {
        all,
        allowed,
        derivatives,
        rules,
        pace,
      }: {
        readonly all: boolean
        readonly allowed: Uint8Array
        readonly derivatives: Derivatives
        readonly rules: TreeRules
        readonly pace: Pace
      },
    ): Promise<GrownTree> {
      const used = [...binned.columns.keys()].filter((i) => binned.columns[i]?.features.some(({ feature }) => allowed[feature] === 1))
      const search = { ...rules, leastChildWeight: Math.max(rules.leastChildWeight, 1e-6), binned, offsets, used, allowed }
      const mostLeaves = rules.leaves ?? Number.POSITIVE_INFINITY
      const nodes: TreeNode[] = []
      const open: OpenLeaf[] = []
      let pristine = all
      const count = async (range: RowRange, into: Histogram): Promise<Histogram> => {
        await fillHistogram(into, range, { binned, offsets, used, rows, all: pristine, derivatives, room }, pace)
        return into
      }
      const mayGrow = ({ from, to }: RowRange, depth: number, { hessian }: Sums): boolean =>
        depth < rules.depth && to - from > 1 && hessian >= 2 * search.leastChildWeight
      /** Makes a node a leaf, and one that may be split where a question gains enough. */
      const offer = (node: number, range: RowRange, depth: number, total: Sums, histogram: Histogram): void => {
        const split = findSplit(histogram, total, search)
        const keeps = split !== undefined && open.length < mostKept
        if (!keeps) free.push(histogram)
        if (split !== undefined) open.push({ ...range, node, depth, total, split, histogram: keeps ? histogram : undefined })
      }
      const add = (range: RowRange, total: Sums): number => nodes.push({ ...range, value: leafValue(total, rules.lambda) }) - 1

      const root = { from: 0, to: rows.length }
      const total = sumsOf(rows, derivatives)
      const first = add(root, total)
      if (mayGrow(root, 0, total)) offer(first, root, 0, total, await count(root, take()))
      pristine = false
      for (let leaves = 1; open.length > 0 && leaves < mostLeaves; leaves++) {
        const { node, depth, total: whole, split, histogram, from, to } = takeNext(open, rules.leaves !== undefined)
        const middle = part(rows, { from, to }, split)
        const sides = [
          { range: { from, to: middle }, total: split.left },
          {
            range: { from: middle, to },
            total: { gradient: whole.gradient - split.left.gradient, hessian: whole.hessian - split.left.hessian },
          },
        ] as const
        const numbers = [add(sides[0].range, sides[0].total), add(sides[1].range, sides[1].total)] as const
        Object.assign(must(nodes[node], 'a node'), { split, children: numbers })
        const grows = sides.map(({ range, total: sums }) => mayGrow(range, depth + 1, sums))
        const own: [Histogram | undefined, Histogram | undefined] = [undefined, undefined]
        if (grows[0] === true || grows[1] === true) {
          const small = middle - from <= to - middle ? 0 : 1
          const large = small === 0 ? 1 : 0
          const counted = await count(sides[small].range, take())
          own[small] = counted
          if (histogram !== undefined) own[large] = subtract(histogram, counted)
          else if (grows[large] === true) own[large] = await count(sides[large].range, take())
        } else if (histogram !== undefined) free.push(histogram)
        for (const i of [0, 1] as const) {
          const mine = own[i]
          if (mine === undefined) continue
          if (grows[i] === true) offer(numbers[i], sides[i].range, depth + 1, sides[i].total, mine)
          else free.push(mine)
        }
      }
      for (const { histogram } of open) if (histogram !== undefined) free.push(histogram)
      return { nodes }
    },

    /** The tree with the ranges that other rows fall into, which are put into that order. */
    route({ nodes }: GrownTree, rows: Int32Array): GrownTree {
      const ranges: RowRange[] = [{ from: 0, to: rows.length }]
      const routed = nodes.map((node, i): TreeNode => {
        const range = must(ranges[i], 'a node after its parent')
        const { split, children } = node
        if (split !== undefined && children !== undefined) {
          const middle = part(rows, range, split)
          ranges[children[0]] = { from: range.from, to: middle }
          ranges[children[1]] = { from: middle, to: range.to }
        }
        return { ...node, ...range }
      })
      return { nodes: routed }
    },
  }
}

function sumsOf(rows: Int32Array, derivatives: Derivatives): Sums {
  let [gradient, hessian] = [0, 0]
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number
    gradient += derivatives.gradient[row] as number
    hessian += derivatives.hessian[row] as number
  }
  return { gradient, hessian }
}

/** The leaf with the greatest gain, the first of equals; without a limit on leaves the newest one, as the order makes no other tree then and few histograms wait so. */
function takeNext(open: OpenLeaf[], byGain: boolean): OpenLeaf {
  if (!byGain) return must(open.pop(), 'an open leaf')
  let at = 0
  for (const [i, one] of open.entries()) if (one.split.gain > must(open[at], 'an open leaf').split.gain) at = i
  return must(open.splice(at, 1)[0], 'an open leaf')
}
