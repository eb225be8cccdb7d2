import { tmpdir } from 'node:os'
import { AppError } from '../../shared/core/errors.ts'
import { holm } from '../../shared/stats/multiplicity.ts'
import { categoryTests } from '../../shared/stats/two-sample/category-tests.ts'
import { numericTests } from '../../shared/stats/two-sample/numeric-tests.ts'
import type { CategoryTestName, NumericTestName } from '../../shared/stats/two-sample/test-names.ts'
import { inFolder } from '../datasets/span-files.ts'
import { countedColumn } from './counted-column.ts'
import { sampledCounts, sampledNumbers } from './column-values-store.ts'
import { type FileFormat, openTable, type Table, type TableColumn } from './open-table.ts'

export type CompareOptions = {
  readonly numbers?: NumericTestName
  readonly categories?: CategoryTestName
  /** Probability of naming any column where none has changed. */
  readonly alpha?: number
  /** These alone; all that both files have where it is not given. */
  readonly columns?: readonly string[]
}

export type ColumnComparison = {
  readonly column: string
  readonly test: NumericTestName | CategoryTestName
  readonly before: number
  readonly now: number
  readonly statistic: number
  readonly p: number
  readonly changed: boolean
}

export type FileComparison = {
  readonly alpha: number
  readonly columns: readonly ColumnComparison[]
  /** Columns that could not be compared, with the reason. */
  readonly skipped: readonly { readonly column: string; readonly why: string }[]
}

type Source = { readonly path: string; readonly format: FileFormat }

/** Text with more values than these is no set of categories. */
const MOST_CATEGORIES = 1000

/**
 * Compares the columns that two files have in common, each by the test for its kind; which have changed is decided over all of them (Holm). Of long files 20,000 rows a side are looked at.
 * @throws AppError invalid_input for files that are no tables, and for a column that one of them does not have.
 */
export async function compareFiles(
  before: Source,
  now: Source,
  { numbers = 'kolmogorov-smirnov', categories = 'chi-square', alpha = 0.01, columns }: CompareOptions = {},
): Promise<FileComparison> {
  return withTable(before, (old) =>
    withTable(now, async (young) => {
      const skipped: { column: string; why: string }[] = []
      const found: Omit<ColumnComparison, 'changed'>[] = []
      for (const [a, b] of pairs(old, young, columns)) {
        const one = await compareColumn(old, a, young, b, numbers, categories)
        if (typeof one === 'string') skipped.push({ column: a.name, why: one })
        else found.push({ column: a.name, ...one })
      }
      const changed = holm(
        found.map(({ p }) => p),
        alpha,
      )
      return { alpha, columns: found.map((one, i) => ({ ...one, changed: changed[i] === true })), skipped }
    }),
  )
}

export const withTable = <T>({ path, format }: Source, work: (table: Table) => Promise<T>): Promise<T> =>
  inFolder(tmpdir(), async (folder) => {
    const table = await openTable(path, format, folder)
    try {
      return await work(table)
    } finally {
      table.duck.close()
    }
  })

/** @throws AppError invalid_input with the columns there are. */
export function columnNamed({ columns, file }: Table, name: string): TableColumn {
  const column = columns.find((each) => each.name === name)
  if (column) return column
  const names = columns.slice(0, 10).map((each) => each.name)
  throw new AppError('invalid_input', `${file} has no column ${name}; it has ${names.join(', ')}${columns.length > 10 ? ' …' : ''}`)
}

function pairs(old: Table, young: Table, names: readonly string[] | undefined): [TableColumn, TableColumn][] {
  if (names) return names.map((name) => [columnNamed(old, name), columnNamed(young, name)])
  const theirs = new Map(young.columns.map((column) => [column.name, column]))
  return old.columns.flatMap((column) => {
    const other = theirs.get(column.name)
    return other ? [[column, other]] : []
  })
}

const kindOf = (column: TableColumn): 'numbers' | 'text' | 'other' => {
  const { kind, list } = countedColumn(column)
  if (list !== null || kind === 'bytes') return 'other'
  return kind === 'text' ? 'text' : 'numbers'
}

async function compareColumn(
  old: Table,
  a: TableColumn,
  young: Table,
  b: TableColumn,
  numbers: NumericTestName,
  categories: CategoryTestName,
): Promise<Omit<ColumnComparison, 'column' | 'changed'> | string> {
  const [kind, other] = [kindOf(a), kindOf(b)]
  if (kind === 'other' || other === 'other') return 'lists and bytes have no test'
  if (kind === 'numbers' && other === 'numbers') {
    const [x, y] = [await sampledNumbers(old, a), await sampledNumbers(young, b)]
    if (x.length === 0 || y.length === 0) return `${x.length === 0 ? old.file : young.file} has no number in it`
    return { test: numbers, before: x.length, now: y.length, ...outcome(numericTests[numbers](x, y)) }
  }
  const [x, y] = [await sampledCounts(old, a), await sampledCounts(young, b)]
  if (x.size === 0 || y.size === 0) return `${x.size === 0 ? old.file : young.file} has no value in it`
  const names = [...new Set([...x.keys(), ...y.keys()])].sort()
  if (names.length > MOST_CATEGORIES) return `${names.length} different values are no categories`
  if (categories === 'fisher-exact' && names.length !== 2) return `Fisher's test takes two values, not ${names.length}`
  const [p, q] = [x, y].map((counts) => names.map((name) => counts.get(name) ?? 0)) as [number[], number[]]
  const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0)
  return { test: categories, before: sum(p), now: sum(q), ...outcome(categoryTests[categories](p, q)) }
}

/** A test that could not tell says nothing. */
const outcome = ({ statistic, p }: { statistic: number; p: number }) => ({ statistic, p: Number.isNaN(p) ? 1 : p })
