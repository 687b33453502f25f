import { useMediaQuery } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { usePreference } from '../preferences'
import { anchorShift } from './anchor'
import { type Column, gridTracks, leastWidth, nextSort, PLAIN, type Sort, sortRows, visibleColumns, withWidth } from './columns'
import { TableHead } from './TableHead'
import { TableRow } from './TableRow'
import css from './Table.module.css'

export interface TableProps<T> {
  /** Name under which a person's arrangement is kept. */
  name: string
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowId: (row: T) => string
  /** The row on a narrow screen. */
  card: (row: T) => ReactNode
  selected: string | null
  onSelect: (id: string | null) => void
  onOpen?: (row: T) => void
  onSpace?: (row: T) => void
  /** Sorting by the server; without it the table sorts what it has. */
  sort?: Sort
  onSort?: (sort: Sort) => void
  loading?: boolean
  loadingMore?: boolean
  /** What is shown is old or belongs to another question. */
  dimmed?: boolean
  empty: ReactNode
  onEnd?: () => void
  onTop?: (atTop: boolean) => void
  /** A new value takes the list back to its first row. */
  resetKey?: string
  /** How many rows there are on the server. */
  total?: number
  autoFocus?: boolean
}

const SKELETONS = 14
const CARD_HEIGHT = 64

const ROW_HEIGHT = { dense: 28, roomy: 36 } as const
export type Density = keyof typeof ROW_HEIGHT

/** The one table: virtual rows, sticky header, columns arranged per person, everything by keyboard. */
export function Table<T>(props: TableProps<T>) {
  const { columns, rowId, selected, onSelect, onOpen, onSpace, onEnd, onTop, loading = false, loadingMore = false } = props
  const base = useId()
  const scroller = useRef<HTMLDivElement>(null)
  const holds = useRef(false)
  const narrow = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false })
  const coarse = useMediaQuery('(pointer: coarse)', false, { getInitialValueInEffect: false })
  const [density] = usePreference<Density>('density', 'roomy')
  const [arrangement, arrange] = usePreference(`table.${props.name}`, PLAIN)
  const [ownSort, setOwnSort] = useState<Sort | null>(null)
  const sort = props.sort ?? ownSort
  const sortable = props.onSort === undefined
  const rows = useMemo(
    () => (sortable ? sortRows(props.rows, columns, ownSort) : props.rows),
    [sortable, props.rows, columns, ownSort],
  )
  const ids = useMemo(() => rows.map(rowId), [rows, rowId])
  const height = narrow ? CARD_HEIGHT : coarse ? 44 : ROW_HEIGHT[density]
  const shown = useMemo(() => visibleColumns(columns, arrangement), [columns, arrangement])
  const tracks = gridTracks(shown, arrangement)
  const least = narrow ? undefined : leastWidth(shown, arrangement)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => ids[index] ?? index,
  })
  useEffect(() => {
    virtual.measure()
  }, [height, virtual])
  // The row that a person looks at stays where it is when rows arrive or go above it.
  const before = useRef<readonly string[]>([])
  useLayoutEffect(() => {
    const element = scroller.current
    const previous = before.current
    before.current = ids
    if (element === null || previous.length === 0 || previous === ids) return
    if (element.scrollTop === 0 && !holds.current) return
    const shift = anchorShift(previous, ids, Math.floor(element.scrollTop / height))
    if (shift !== 0) element.scrollTop += shift * height
  }, [ids, height])
  useEffect(() => {
    // Newer browsers answer with a promise, which must not become the effect's clean-up.
    scroller.current?.scrollTo({ top: 0 })
  }, [props.resetKey, ownSort])
  useEffect(() => {
    if (props.autoFocus === true) scroller.current?.focus({ preventScroll: true })
  }, [props.autoFocus])

  const items = virtual.getVirtualItems()
  const lastShown = items.at(-1)?.index ?? -1
  useEffect(() => {
    if (!loading && !loadingMore && rows.length > 0 && lastShown >= rows.length - 30) onEnd?.()
  }, [lastShown, rows.length, loading, loadingMore, onEnd])

  const move = useCallback(
    (to: number) => {
      const index = Math.max(0, Math.min(rows.length - 1, to))
      const id = ids[index]
      if (id === undefined) return
      onSelect(id)
      virtual.scrollToIndex(index, { align: 'auto' })
    },
    [rows.length, ids, onSelect, virtual],
  )

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return
    const at = selected === null ? -1 : ids.indexOf(selected)
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2)
    const row = at < 0 ? undefined : rows[at]
    const steps: Record<string, () => void> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at < 0 ? 0 : at - 1),
      PageDown: () => move(at + page),
      PageUp: () => move(at - page),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      Enter: () => row !== undefined && onOpen?.(row),
      ' ': () => row !== undefined && onSpace?.(row),
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    step()
  }

  /** The row under a click, unless the click was on something of its own in it. */
  const rowOf = (target: EventTarget): T | undefined => {
    if (!(target instanceof Element) || target.closest('button, a, input') !== null) return undefined
    const id = target.closest<HTMLElement>('[role="row"]')?.dataset['id']
    return id === undefined ? undefined : rows[ids.indexOf(id)]
  }
  const idle = !loading && rows.length === 0
  return (
    <div className={css['frame']} data-dimmed={props.dimmed === true || undefined}>
      <div
        ref={scroller}
        className={css['scroller']}
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-busy={loading || loadingMore}
        aria-rowcount={props.total ?? rows.length}
        {...(selected !== null && ids.includes(selected) ? { 'aria-activedescendant': `${base}-${selected}` } : {})}
        data-narrow={narrow || undefined}
        onKeyDown={onKeyDown}
        onPointerEnter={() => (holds.current = true)}
        onPointerLeave={() => (holds.current = false)}
        onScroll={(event) => onTop?.(event.currentTarget.scrollTop < height)}
      >
        {!narrow && (
          <TableHead
            columns={shown}
            tracks={tracks}
            least={least}
            sort={sort}
            canSort={(column) => (sortable ? column.sortValue !== undefined : column.sortKey !== undefined)}
            onSort={(column) => {
              const next = nextSort(sort, (sortable ? column.id : column.sortKey) ?? column.id)
              if (props.onSort === undefined) setOwnSort(next)
              else props.onSort(next)
            }}
            sortKey={(column) => (sortable ? column.id : (column.sortKey ?? column.id))}
            widths={arrangement.widths}
            onWidth={(column, width) => arrange(withWidth(arrangement, column.id, width))}
          />
        )}
        {loading && rows.length === 0 ? (
          <Skeletons height={height} tracks={tracks} columns={narrow ? 1 : shown.length} />
        ) : (
          <div
            role="rowgroup"
            className={css['rows']}
            style={{ height: virtual.getTotalSize(), minWidth: least }}
            onClick={(event) => {
              const row = rowOf(event.target)
              if (row === undefined) return
              onSelect(rowId(row))
              if (narrow || coarse) onOpen?.(row)
            }}
            onDoubleClick={(event) => {
              const row = rowOf(event.target)
              if (row !== undefined) onOpen?.(row)
            }}
          >
            {items.map((item) => {
              const row = rows[item.index]
              const id = ids[item.index]
              if (row === undefined || id === undefined) return null
              return (
                <TableRow
                  key={item.key}
                  domId={`${base}-${id}`}
                  id={id}
                  row={row}
                  index={item.index}
                  top={item.start}
                  height={height}
                  selected={id === selected}
                  columns={shown}
                  tracks={narrow ? '1fr' : tracks}
                  card={narrow ? props.card : null}
                />
              )
            })}
          </div>
        )}
      </div>
      {idle && <div className={css['empty']}>{props.empty}</div>}
    </div>
  )
}

const WIDTHS = [62, 48, 71, 55, 40, 66, 52]

function Skeletons({ height, tracks, columns }: { height: number; tracks: string; columns: number }) {
  return (
    <div role="rowgroup" aria-hidden>
      {Array.from({ length: SKELETONS }, (_unused, line) => (
        <div key={line} className={css['skeleton']} style={{ height, gridTemplateColumns: columns === 1 ? '1fr' : tracks }}>
          {Array.from({ length: columns }, (_none, index) => (
            <span key={index} style={{ width: `${WIDTHS[(line * 3 + index) % WIDTHS.length] ?? 50}%` }} />
          ))}
        </div>
      ))}
    </div>
  )
}
