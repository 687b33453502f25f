import { IconArrowNarrowDown, IconArrowNarrowUp } from '@tabler/icons-react'
import { type PointerEvent, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { type Column, type Sort } from './columns'
import css from './Table.module.css'

interface HeadProps<T> {
  columns: readonly Column<T>[]
  tracks: string
  least: number | undefined
  sort: Sort | null
  canSort: (column: Column<T>) => boolean
  sortKey: (column: Column<T>) => string
  onSort: (column: Column<T>) => void
  /** Widths that a person set, by column. */
  widths: Readonly<Record<string, number>>
  onWidth: (column: Column<T>, width: number) => void
}

export function TableHead<T>({ columns, tracks, least, sort, canSort, sortKey, onSort, widths, onWidth }: HeadProps<T>) {
  return (
    <div role="rowgroup" className={css['head']} style={{ minWidth: least }}>
      <div role="row" className={css['headRow']} style={{ gridTemplateColumns: tracks }}>
        {columns.map((column) => {
          const active = sort !== null && sort.key === sortKey(column)
          const order = !active ? undefined : sort.descending ? 'descending' : 'ascending'
          return (
            <div
              key={column.id}
              role="columnheader"
              className={css['headCell']}
              data-align={column.align}
              {...(canSort(column) ? { 'aria-sort': order ?? 'none' } : {})}
            >
              {canSort(column) ? (
                <button type="button" className={css['sort']} onClick={() => onSort(column)}>
                  <span className={css['clip']}>{column.title}</span>
                  {order === 'ascending' && <IconArrowNarrowUp size={14} aria-hidden />}
                  {order === 'descending' && <IconArrowNarrowDown size={14} aria-hidden />}
                </button>
              ) : (
                <span className={css['clip']}>{column.title}</span>
              )}
              <Resizer column={column} now={widths[column.id] ?? column.width} onWidth={(width) => onWidth(column, width)} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

const STEP = 16

function Resizer<T>({ column, now, onWidth }: { column: Column<T>; now: number; onWidth: (width: number) => void }) {
  const { t } = useTranslation()
  const start = useRef<{ x: number; width: number; sign: number } | null>(null)
  const widthOf = (element: HTMLElement): number => element.parentElement?.getBoundingClientRect().width ?? column.width
  const signOf = (element: HTMLElement): number => (getComputedStyle(element).direction === 'rtl' ? -1 : 1)
  const drag = (event: PointerEvent<HTMLSpanElement>): void => {
    if (start.current === null) return
    onWidth(start.current.width + (event.clientX - start.current.x) * start.current.sign)
  }
  return (
    <span
      role="separator"
      aria-orientation="vertical"
      aria-label={t('table.width_of', { column: column.title })}
      aria-valuenow={now}
      aria-valuemin={36}
      aria-valuemax={900}
      tabIndex={0}
      className={css['resizer']}
      onPointerDown={(event) => {
        event.preventDefault()
        event.currentTarget.setPointerCapture(event.pointerId)
        start.current = { x: event.clientX, width: widthOf(event.currentTarget), sign: signOf(event.currentTarget) }
      }}
      onPointerMove={drag}
      onPointerUp={() => (start.current = null)}
      onPointerCancel={() => (start.current = null)}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowRight' ? STEP : event.key === 'ArrowLeft' ? -STEP : 0
        if (step === 0) return
        event.preventDefault()
        onWidth(widthOf(event.currentTarget) + step * signOf(event.currentTarget))
      }}
    />
  )
}
