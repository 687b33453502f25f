import { memo, type ReactNode } from 'react'
import { type Column } from './columns'
import css from './Table.module.css'

interface RowProps<T> {
  domId: string
  id: string
  row: T
  index: number
  top: number
  height: number
  selected: boolean
  columns: readonly Column<T>[]
  tracks: string
  /** How the row looks on a narrow screen; null on a wide one. */
  card: ((row: T) => ReactNode) | null
}

function Row<T>({ domId, id, row, index, top, height, selected, columns, tracks, card }: RowProps<T>) {
  return (
    <div
      id={domId}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={selected}
      data-id={id}
      className={css['row']}
      style={{ height, transform: `translateY(${top}px)`, gridTemplateColumns: tracks }}
    >
      {card === null ? (
        columns.map((column) => (
          <div key={column.id} role="gridcell" className={css['cell']} data-align={column.align}>
            {column.cell(row)}
          </div>
        ))
      ) : (
        <div role="gridcell" className={css['card']}>
          {card(row)}
        </div>
      )}
    </div>
  )
}

/** Drawn again only when something of its own changed, so that a key press costs two rows and not a screenful. */
export const TableRow = memo(Row) as typeof Row
