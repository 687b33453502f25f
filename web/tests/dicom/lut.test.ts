import { describe, expect, it } from 'vitest'
import { expandSegments, lookUp, paletteTable, readLut } from '@/dicom/lut'

describe('descriptors', () => {
  it('count 65536 entries as 0', () => expect(readLut([0, 0, 16], new Uint8Array(65536 * 2), false)?.values.length).toBe(65536))
  it('read a negative first input that was written unsigned', () => expect(readLut([4, 65535, 8], [1, 2, 3, 4], true)?.first).toBe(-1))
  it('refuse what contradicts itself', () => {
    expect(readLut([10, 0, 16], [1, 2], false)).toBeUndefined()
    expect(readLut([2, 0, 40], [1, 2], false)).toBeUndefined()
    expect(readLut([], [1], false)).toBeUndefined()
  })
})

describe('data', () => {
  it('may be words, bytes, or two bytes in a word', () => {
    expect([...(readLut([2, 0, 16], Uint8Array.of(0x34, 0x12, 0xff, 0x00), false)?.values ?? [])]).toEqual([0x1234, 0xff])
    expect([...(readLut([3, 0, 8], Uint8Array.of(1, 2, 3, 0), false)?.values ?? [])]).toEqual([1, 2, 3])
    expect([...(readLut([3, 0, 8], [0x0201, 0x0003], false)?.values ?? [])]).toEqual([1, 2, 3])
  })
  it('holds its ends beyond its inputs', () => {
    const lut = readLut([3, 10, 8], [5, 6, 7], false)
    if (lut === undefined) throw new Error('no table')
    expect([9, 10, 11, 12, 13].map((value) => lookUp(lut, value))).toEqual([5, 5, 6, 7, 7])
  })
})

describe('palettes', () => {
  const channel = (values: number[], bits: number): NonNullable<ReturnType<typeof readLut>> => {
    const lut = readLut([values.length, 0, bits], values, false)
    if (lut === undefined) throw new Error('no table')
    return lut
  }
  it('keep the upper eight of sixteen bits', () => {
    const { rgb } = paletteTable({ red: channel([0, 0xffff], 16), green: channel([0x8000, 0x1234], 16), blue: channel([0, 0], 16) })
    expect([...rgb]).toEqual([0, 0x80, 0, 0xff, 0x12, 0])
  })
  it('forgive sixteen stated bits that hold eight', () => {
    const { rgb } = paletteTable({ red: channel([0, 255], 16), green: channel([3, 4], 16), blue: channel([0, 0], 16) })
    expect([...rgb]).toEqual([0, 3, 0, 255, 4, 0])
  })
  it('are expanded from segments', () => {
    // Two discrete entries, then a line of four steps to 100 (PS3.3 C.7.9.2).
    expect(expandSegments([0, 2, 10, 20, 1, 4, 100])).toEqual([10, 20, 40, 60, 80, 100])
    expect(expandSegments([1, 4, 100])).toBeUndefined()
    expect(expandSegments([7, 1, 1])).toBeUndefined()
  })
})
