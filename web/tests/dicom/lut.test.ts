import { Attributes } from '@/dicom/attributes'
import { embeddedBits, overlayBits, overlayPlanes } from '@/dicom/overlayplane'
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

describe('overlay planes', () => {
  const of = new Attributes([
    {
      '60020010': { vr: 'US', Value: [2] },
      '60020011': { vr: 'US', Value: [3] },
      '60020050': { vr: 'SS', Value: [5, 9] },
      '60023000': { vr: 'OB', InlineBinary: 'JQ==' },
      '60040010': { vr: 'US', Value: [2] },
    },
  ])
  it('are found by group, with their place; half of one is none', () => {
    expect(overlayPlanes(of)).toMatchObject([{ rows: 2, columns: 3, origin: [8, 4], firstFrame: 1, frames: 1 }])
  })
  it('are read from the lowest bit on', () => {
    const [plane] = overlayPlanes(of)
    if (plane === undefined) throw new Error('no plane')
    expect([...(overlayBits(plane, Uint8Array.of(0b100101), 1) ?? [])]).toEqual([1, 0, 1, 0, 0, 1])
    expect(overlayBits(plane, new Uint8Array(0), 1)).toBeUndefined()
    expect([...(overlayBits({ ...plane, frames: 2 }, Uint8Array.of(0b01000000, 0b0001), 2) ?? [])]).toEqual([1, 0, 1, 0, 0, 0])
    expect(overlayBits({ ...plane, frames: 2 }, Uint8Array.of(0, 0), 3)).toBeUndefined()
  })
  it('may lie in unused bits of the pixels themselves', () => {
    const [plane] = overlayPlanes(
      new Attributes([{ '60000010': { vr: 'US', Value: [1] }, '60000011': { vr: 'US', Value: [3] }, '60000102': { vr: 'US', Value: [12] } }]),
    )
    if (plane === undefined) throw new Error('no plane')
    expect([...(embeddedBits(plane, Uint16Array.of(0x1fff, 0x0fff, 0xf000)) ?? [])]).toEqual([1, 0, 1])
  })
})
