import { expect, it } from 'vitest'
import { anchorShift } from '@/kit/table/anchor'

const rows = ['a', 'b', 'c', 'd', 'e']

it('tells how far the row at the top has moved', () => {
  expect(anchorShift(rows, rows, 2)).toBe(0)
  expect(anchorShift(rows, ['x', 'y', ...rows], 2)).toBe(2)
  expect(anchorShift(rows, ['b', 'c', 'd', 'e'], 2)).toBe(-1)
  expect(anchorShift(rows, [...rows, 'f'], 4)).toBe(0)
})

it('takes the next row that stayed when the row itself is gone', () => {
  expect(anchorShift(rows, ['a', 'b', 'd', 'e'], 2)).toBe(-1)
  expect(anchorShift(rows, ['x', 'a', 'b', 'd', 'e'], 2)).toBe(0)
})

it('stays when nothing near is left', () => {
  expect(anchorShift(rows, ['x', 'y'], 2)).toBe(0)
  expect(anchorShift(rows, rows, 9)).toBe(0)
})
