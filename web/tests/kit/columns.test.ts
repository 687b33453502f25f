import { describe, expect, it } from 'vitest'
import { type Column, gridTracks, leastWidth, nextSort, PLAIN, sortRows, visibleColumns, withShown, withWidth } from '@/kit/table/columns'

interface Row {
  name: string
  count: number
}

const COLUMNS: Column<Row>[] = [
  { id: 'name', title: 'Name', width: 100, grow: 1, fixed: true, sortValue: (row) => row.name, cell: (row) => row.name },
  { id: 'count', title: 'Count', width: 60, sortValue: (row) => row.count, cell: (row) => row.count },
  { id: 'rare', title: 'Rare', width: 80, hidden: true, cell: () => '' },
]

describe('columns', () => {
  it('show what a person asked for, and never hide the fixed one', () => {
    expect(visibleColumns(COLUMNS, PLAIN).map((column) => column.id)).toEqual(['name', 'count'])
    const changed = withShown(withShown(withShown(PLAIN, 'rare', true), 'count', false), 'name', false)
    expect(visibleColumns(COLUMNS, changed).map((column) => column.id)).toEqual(['name', 'rare'])
  })

  it('grow until a person gives them a width', () => {
    expect(gridTracks(visibleColumns(COLUMNS, PLAIN), PLAIN)).toBe('minmax(100px, 1fr) 60px')
    const wide = withWidth(PLAIN, 'name', 240.6)
    expect(gridTracks(visibleColumns(COLUMNS, wide), wide)).toBe('241px 60px')
    expect(withWidth(PLAIN, 'name', 1).widths['name']).toBe(36)
    expect(withWidth(PLAIN, 'name', 5000).widths['name']).toBe(900)
  })

  it('add up to the least width of a row', () => {
    expect(leastWidth(visibleColumns(COLUMNS, PLAIN), PLAIN)).toBe(100 + 60 + 8 + 24)
  })
})

describe('sorting', () => {
  const rows: Row[] = [
    { name: 'CT10', count: 5 },
    { name: 'CT9', count: 40 },
    { name: 'ct1', count: 300 },
  ]
  it('reads numbers in names as numbers', () => {
    expect(sortRows(rows, COLUMNS, { key: 'name', descending: false }).map((row) => row.name)).toEqual(['ct1', 'CT9', 'CT10'])
  })
  it('sorts numbers by value and leaves the given rows alone', () => {
    expect(sortRows(rows, COLUMNS, { key: 'count', descending: true }).map((row) => row.count)).toEqual([300, 40, 5])
    expect(rows[0]?.count).toBe(5)
  })
  it('keeps the order without a sort or for a column that has none', () => {
    expect(sortRows(rows, COLUMNS, null)).toBe(rows)
    expect(sortRows(rows, COLUMNS, { key: 'rare', descending: false })).toBe(rows)
  })
  it('turns round on the second click', () => {
    const once = nextSort(null, 'name')
    expect(once).toEqual({ key: 'name', descending: false })
    expect(nextSort(once, 'name')).toEqual({ key: 'name', descending: true })
    expect(nextSort(once, 'count')).toEqual({ key: 'count', descending: false })
  })
})
