import { AppError } from '../../shared/core/errors.ts'
import { changeDetectors } from '../../shared/stats/change-points/change-detectors.ts'
import { type ChangeDetectorName, detectorInputs, type DetectorInput } from '../../shared/stats/change-points/detector-names.ts'
import { numbersInOrder } from './column-values-store.ts'
import { columnNamed, withTable } from './compare-files.ts'
import { countedColumn } from './counted-column.ts'
import type { FileFormat } from './open-table.ts'

export type ColumnChanges = {
  readonly column: string
  readonly detector: ChangeDetectorName
  readonly rows: number
  /** Rows at which a change was noticed, from 1. */
  readonly changes: readonly number[]
}

/** So many are told of; a stream that changes more often is no stream of one world. */
const MOST = 1000

const FITS: Record<DetectorInput, { fits(value: number): boolean; wants: string }> = {
  number: { fits: Number.isFinite, wants: 'finite numbers' },
  share: { fits: (value) => value >= 0 && value <= 1, wants: 'numbers from 0 to 1' },
  error: { fits: (value) => value === 0 || value === 1, wants: '1 for an error and 0 for none' },
}

/** Runs a detector over the numbers of a column in the order of the rows, those without a value left out. @throws AppError invalid_input naming file, row and value. */
export async function findChanges(path: string, format: FileFormat, column: string, detector: ChangeDetectorName): Promise<ColumnChanges> {
  return withTable({ path, format }, async (table) => {
    const found = columnNamed(table, column)
    const { kind, list } = countedColumn(found)
    if (list !== null || (kind !== 'int' && kind !== 'float'))
      throw new AppError('invalid_input', `${table.file}, column ${column}: holds ${found.type}, where ${detector} takes numbers`)
    const takes = detectorInputs[detector]
    const running = changeDetectors[detector]()
    const changes: number[] = []
    let row = 0
    for await (const values of numbersInOrder(table, found))
      for (const value of values) {
        row++
        if (value === null) continue
        if (!FITS[takes].fits(value))
          throw new AppError(
            'invalid_input',
            `${table.file}, row ${row}: ${column} is ${value}, where ${detector} takes ${FITS[takes].wants}`,
          )
        if (running.add(value) && changes.length < MOST) changes.push(row)
      }
    return { column, detector, rows: row, changes }
  })
}
