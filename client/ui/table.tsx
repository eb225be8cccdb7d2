import type { ComponentChildren } from 'preact'

export type Column<Row> = {
  readonly title: string
  readonly cell: (row: Row) => ComponentChildren
  /** Right-aligned, for numbers. */
  readonly right?: boolean
}

type TableProps<Row> = {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
}

/** Rows under named columns; on a phone each row is a block of names and values. */
export const Table = <Row,>({ label, columns, rows, rowKey }: TableProps<Row>) => (
  // the scrolling region takes the focus, so that a keyboard can scroll it
  <div class="table-wrap" role="region" aria-label={`Table: ${label}`} tabIndex={0}>
    <table class="table table-rows">
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" class={column.right ? 'right' : undefined}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map((column) => (
              <td key={column.title} data-title={column.title} class={column.right ? 'right numeric' : undefined}>
                <div>{column.cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
