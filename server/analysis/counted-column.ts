import type { ColumnKind, CountedColumn } from './table-statistics-store.ts'
import type { TableColumn } from './open-table.ts'

/** A column that a database can count: single values, or lists of them. */
export type PlannedCount = CountedColumn & {
  /** What selects the lists whose values `sql` is about; null for a column of single values. */
  readonly list: string | null
}

const WHOLE = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
const FRACTION = /^(FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/
const MOMENT = /^(DATE|TIMESTAMP.*)$/
const LIST = /(\[\d*\])$/

function kindOf(type: string): ColumnKind {
  if (WHOLE.test(type)) return 'int'
  if (FRACTION.test(type)) return 'float'
  if (MOMENT.test(type)) return 'time'
  return type === 'BLOB' ? 'bytes' : 'text'
}

function valueSql(sql: string, type: string): string {
  if (WHOLE.test(type) || type === 'BLOB' || type === 'VARCHAR' || type === 'DOUBLE' || type === 'FLOAT') return sql
  if (FRACTION.test(type)) return `(${sql})::DOUBLE`
  // a moment that never comes is none
  if (MOMENT.test(type)) return `CASE WHEN isfinite(${sql}) THEN epoch_ms((${sql})::TIMESTAMP) END`
  // structures as JSON
  if (/[[(]/.test(type) && !type.startsWith('ENUM')) return `to_json(${sql})::VARCHAR`
  return `(${sql})::VARCHAR`
}

/** How a column of this DuckDB type is counted. Lists of lists, and lists of structures, are text as a whole. */
export function countedColumn({ name, id, type }: Pick<TableColumn, 'name' | 'id' | 'type'>): PlannedCount {
  const element = type.replace(LIST, '')
  const isList = element !== type && !/[[(]/.test(element.replace(/^DECIMAL\(\d+,\d+\)$/, ''))
  return isList
    ? { name, kind: kindOf(element), sql: valueSql('v', element), list: id }
    : { name, kind: kindOf(type), sql: valueSql(id, type), list: null }
}
