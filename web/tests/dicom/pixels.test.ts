import { describe, expect, it } from 'vitest'
import { Attributes } from '@/dicom/attributes'
import { cutToStoredBits, extentOf, paddingTest, pixelFormatOf, readNative, rescaleOf, toModality, toRgb, type PixelFormat } from '@/dicom/pixels'
import { decodeRle } from '@/dicom/rle'

const GREY: PixelFormat = {
  rows: 1,
  columns: 4,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  highBit: 11,
  signed: false,
  float: false,
  photometric: 'MONOCHROME2',
  planar: false,
}

describe('native values', () => {
  it('are read at odd offsets', () => {
    const bytes = Uint8Array.of(9, 1, 0, 2, 0, 3, 0, 4, 0).subarray(1)
    expect([...readNative(bytes, GREY)]).toEqual([1, 2, 3, 4])
  })
  it('refuse a frame that is cut off', () => expect(() => readNative(new Uint8Array(7), GREY)).toThrow(/7 bytes/))
  it('unpack single bits from the lowest on', () => {
    expect([...readNative(Uint8Array.of(0b1010), { ...GREY, bitsAllocated: 1, bitsStored: 1 })]).toEqual([0, 1, 0, 1])
  })
  it('lose what stands above the high bit, and keep the sign', () => {
    const overlay = Uint16Array.of(0xf001, 0x8fff, 0x0800, 7)
    expect([...cutToStoredBits(overlay, GREY)]).toEqual([1, 0xfff, 0x800, 7])
    expect([...cutToStoredBits(Int16Array.from(overlay), { ...GREY, signed: true })]).toEqual([1, -1, -2048, 7])
  })
  it('read floats', () => {
    const float = { ...GREY, bitsAllocated: 32, bitsStored: 32, float: true, columns: 1 }
    expect([...readNative(new Uint8Array(Float32Array.of(1.5).buffer), float)]).toEqual([1.5])
  })
})

describe('modality values', () => {
  const plain = { slope: 1, intercept: 0, lut: undefined }
  it('have one type for all images of a format', () => {
    expect(toModality(Uint16Array.of(0, 1, 2, 3), GREY, { ...plain, intercept: -1024 })).toBeInstanceOf(Int16Array)
    expect(toModality(Uint16Array.of(0), { ...GREY, bitsStored: 16 }, plain)).toBeInstanceOf(Uint16Array)
    expect(toModality(Uint16Array.of(0), { ...GREY, bitsStored: 16 }, { ...plain, intercept: -1024 })).toBeInstanceOf(Float32Array)
    expect(toModality(Uint16Array.of(0), GREY, { ...plain, slope: 0.5 })).toBeInstanceOf(Float32Array)
    expect(toModality(Uint8Array.of(0), { ...GREY, bitsAllocated: 8, bitsStored: 8 }, plain)).toBeInstanceOf(Uint8Array)
  })
  it('are stored × slope + intercept', () => expect([...toModality(Uint16Array.of(0, 1000), GREY, { ...plain, slope: 2, intercept: -24 })]).toEqual([-24, 1976]))
  it('come from the table when there is one', () => {
    const lut = { first: 1, bits: 16, values: Uint16Array.of(50, 60), explanation: '' }
    expect([...toModality(Uint16Array.of(0, 1, 2, 3), GREY, { ...plain, lut })]).toEqual([50, 50, 60, 60])
  })
  it('take a slope of 0 for none', () => expect(rescaleOf(new Attributes([{ '00281053': { vr: 'DS', Value: [0] } }]), undefined).slope).toBe(1))
})

describe('colour', () => {
  const rgb: PixelFormat = { ...GREY, samples: 3, columns: 2, bitsAllocated: 8, bitsStored: 8, highBit: 7, photometric: 'RGB' }
  const options = { palette: undefined, isRgb: false }
  it('is put together from planes', () => {
    expect([...toRgb(Uint8Array.of(1, 2, 3, 4, 5, 6), { ...rgb, planar: true }, options)]).toEqual([1, 3, 5, 2, 4, 6])
  })
  it('is turned from YBR_FULL, unless the codec has done it', () => {
    const ybr = { ...rgb, columns: 1, photometric: 'YBR_FULL' }
    expect([...toRgb(Uint8Array.of(76, 85, 255), ybr, options)]).toEqual([254, 0, 0])
    expect([...toRgb(Uint8Array.of(76, 85, 255), ybr, { ...options, isRgb: true })]).toEqual([76, 85, 255])
  })
  it('is widened from 4:2:2', () => {
    const subsampled = { ...rgb, photometric: 'YBR_FULL_422' }
    expect([...toRgb(Uint8Array.of(10, 20, 128, 128), subsampled, options)]).toEqual([10, 10, 10, 20, 20, 20])
  })
  it('takes the upper byte of sixteen bits', () => {
    const wide = { ...rgb, columns: 1, bitsAllocated: 16, bitsStored: 16, highBit: 15 }
    expect([...toRgb(Uint16Array.of(0xff00, 0x8000, 0x00ff), wide, options)]).toEqual([255, 128, 0])
  })
  it('refuses a palette image without a palette', () => {
    expect(() => toRgb(Uint8Array.of(0), { ...GREY, photometric: 'PALETTE COLOR' }, options)).toThrow(/palette/)
  })
})

describe('padding', () => {
  const of = new Attributes([{ '00280120': { vr: 'US', Value: [63536] } }])
  it('is recognised when a signed value was written unsigned, and kept out of the extent', () => {
    const isPadding = paddingTest(of, { ...GREY, signed: true }, { slope: 1, intercept: -1000, lut: undefined })
    expect(isPadding(-3000)).toBe(true)
    expect(extentOf(Int16Array.of(-3000, 5, 9), isPadding)).toEqual({ min: 5, max: 9 })
  })
})

describe('formats', () => {
  it('need rows, columns and bits', () => expect(pixelFormatOf(new Attributes([{ '00280010': { vr: 'US', Value: [5] } }]))).toBeUndefined())
})

describe('RLE', () => {
  const frame = (...segments: number[][]): Uint8Array => {
    const header = new Uint32Array(16)
    header[0] = segments.length
    let at = 64
    segments.forEach((segment, index) => {
      header[index + 1] = at
      at += segment.length
    })
    return Uint8Array.from([...new Uint8Array(header.buffer), ...segments.flat()])
  }
  it('decodes runs and literals', () => {
    expect([...decodeRle(frame([253, 7, 1, 1, 2, 128]), 6, 1, 1)]).toEqual([7, 7, 7, 7, 1, 2])
  })
  it('puts the most significant byte plane last, for each sample of a pixel', () => {
    const planes = frame([1, 0x12, 0x13], [1, 0x34, 0x35], [1, 0xa, 0xb], [1, 0xc, 0xd])
    expect([...new Uint16Array(decodeRle(planes, 2, 2, 2).buffer)]).toEqual([0x1234, 0x0a0c, 0x1335, 0x0b0d])
  })
  it('refuses a wrong number of segments and never writes beyond the frame', () => {
    expect(() => decodeRle(frame([0, 1]), 1, 3, 1)).toThrow(/1 segments/)
    expect(decodeRle(frame([129, 9]), 4, 1, 1).length).toBe(4)
  })
})
