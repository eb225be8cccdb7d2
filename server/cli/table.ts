export type Column<T> = { readonly title: string; readonly value: (row: T) => string | number; readonly right?: boolean }

/**
 * Lines of a table, the first its header. Aligned for a terminal of `width` columns (the last column is cut there, others never);
 * otherwise one tab between the cells, nothing cut, for `cut`, `awk` and friends.
 */
export function tableOf<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { aligned, width }: { readonly aligned: boolean; readonly width: number },
): string[] {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => oneLine(String(column.value(row)))))]
  if (!aligned) return cells.map((line) => line.join('\t'))
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  return cells.map((line) => {
    const text = line
      .map((cell, index) => (columns[index]?.right ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
    const trimmed = text.trimEnd()
    return trimmed.length > width ? `${trimmed.slice(0, width - 1)}…` : trimmed
  })
}

/** A cell is one line and holds no tab of its own. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ')
