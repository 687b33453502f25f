import { type ReactNode } from 'react'

export interface Column<T> {
  id: string
  title: string
  /** Width in px before a person changes it. */
  width: number
  align?: 'start' | 'end' | 'center'
  /** Takes this share of the room that is left over. */
  grow?: number
  /** Not shown until a person asks for it. */
  hidden?: boolean
  /** Cannot be hidden. */
  fixed?: boolean
  /** Key by which the server sorts. */
  sortKey?: string
  /** Value by which rows that are all here are sorted. */
  sortValue?: (row: T) => string | number
  cell: (row: T) => ReactNode
}

/** What a person changed in a table: widths by column, columns shown or hidden against the default. */
export interface Arrangement {
  widths: Record<string, number>
  shown: Record<string, boolean>
}

export const PLAIN: Arrangement = { widths: {}, shown: {} }
const LEAST = 36
const MOST = 900

export function isShown<T>(column: Column<T>, arrangement: Arrangement): boolean {
  if (column.fixed === true) return true
  return arrangement.shown[column.id] ?? column.hidden !== true
}

export function visibleColumns<T>(columns: readonly Column<T>[], arrangement: Arrangement): Column<T>[] {
  return columns.filter((column) => isShown(column, arrangement))
}

/** CSS grid tracks of a row: fixed widths, and growing ones unless a person has set their width. */
export function gridTracks<T>(columns: readonly Column<T>[], arrangement: Arrangement): string {
  return columns
    .map((column) => {
      const kept = arrangement.widths[column.id]
      if (kept !== undefined) return `${kept}px`
      return column.grow === undefined ? `${column.width}px` : `minmax(${column.width}px, ${column.grow}fr)`
    })
    .join(' ')
}

export const GAP = 8
export const EDGE = 12

/** The least width of a row: all tracks at their least, the gaps between them and the edges. */
export function leastWidth<T>(columns: readonly Column<T>[], arrangement: Arrangement): number {
  const tracks = columns.reduce((sum, column) => sum + (arrangement.widths[column.id] ?? column.width), 0)
  return tracks + Math.max(0, columns.length - 1) * GAP + 2 * EDGE
}

export function withWidth(arrangement: Arrangement, id: string, width: number): Arrangement {
  const kept = Math.round(Math.min(MOST, Math.max(LEAST, width)))
  return { ...arrangement, widths: { ...arrangement.widths, [id]: kept } }
}

export function withShown(arrangement: Arrangement, id: string, shown: boolean): Arrangement {
  return { ...arrangement, shown: { ...arrangement.shown, [id]: shown } }
}

export interface Sort {
  key: string
  descending: boolean
}

/** Sorts rows that are all here; the server sorts those that are not. */
export function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], sort: Sort | null): readonly T[] {
  const value = sort === null ? undefined : columns.find((column) => column.id === sort.key)?.sortValue
  if (sort === null || value === undefined) return rows
  const sign = sort.descending ? -1 : 1
  return [...rows].sort((left, right) => {
    const [a, b] = [value(left), value(right)]
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b)
    return sign * String(a).localeCompare(String(b), undefined, { numeric: true })
  })
}

/** The next sort after a click on a header: ascending, descending, and back. */
export function nextSort(sort: Sort | null, key: string): Sort {
  return sort?.key === key ? { key, descending: !sort.descending } : { key, descending: false }
}
