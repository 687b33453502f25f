import { type Attributes } from './attributes'
import { lookUp, paletteTable, type Lut, type Palette } from './lut'

/** How the bytes of a frame are to be read (PS3.3 C.7.6.3). */
export interface PixelFormat {
  rows: number
  columns: number
  samples: number
  bitsAllocated: number
  bitsStored: number
  highBit: number
  signed: boolean
  float: boolean
  photometric: string
  planar: boolean
}

export type Pixels = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/** The format, or nothing when the object holds no picture that can be understood. */
export function pixelFormatOf(attributes: Attributes): PixelFormat | undefined {
  const rows = attributes.number('Rows') ?? 0
  const columns = attributes.number('Columns') ?? 0
  const bitsAllocated = attributes.number('BitsAllocated') ?? 0
  if (rows < 1 || columns < 1 || ![1, 8, 16, 32, 64].includes(bitsAllocated)) return undefined
  const samples = attributes.number('SamplesPerPixel') ?? 1
  const bitsStored = attributes.number('BitsStored')
  return {
    rows,
    columns,
    samples,
    bitsAllocated,
    bitsStored: Math.min(bitsStored ?? bitsAllocated, bitsAllocated),
    highBit: attributes.number('HighBit') ?? (bitsStored ?? bitsAllocated) - 1,
    signed: attributes.number('PixelRepresentation') === 1,
    // Float Pixel Data has no Bits Stored (PS3.3 C.7.6.24).
    float: bitsStored === undefined && bitsAllocated >= 32,
    photometric: attributes.text('PhotometricInterpretation').toUpperCase() || (samples === 3 ? 'RGB' : 'MONOCHROME2'),
    planar: attributes.number('PlanarConfiguration') === 1,
  }
}

export const isColour = (format: PixelFormat): boolean => format.samples >= 3 || format.photometric === 'PALETTE COLOR'

/** Bytes as native little-endian values, unpacked where a value is one bit. */
export function readNative(bytes: Uint8Array, format: PixelFormat): Pixels {
  const count = format.rows * format.columns * format.samples
  if (format.bitsAllocated === 1) {
    return Uint8Array.from({ length: count }, (_, index) => ((bytes[index >> 3] ?? 0) >> (index & 7)) & 1)
  }
  const subsampled = format.photometric.endsWith('_422')
  const size = format.bitsAllocated / 8
  const needed = subsampled ? format.rows * Math.ceil(format.columns / 2) * 4 : count * size
  if (bytes.byteLength < needed) throw new RangeError(`frame has ${bytes.byteLength} bytes, ${needed} expected`)
  if (size === 1) return format.signed ? new Int8Array(bytes.buffer, bytes.byteOffset, needed) : bytes.subarray(0, needed)
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice(0, needed)
  const { buffer, byteOffset } = aligned
  if (format.float) return size === 4 ? new Float32Array(buffer, byteOffset, count) : new Float64Array(buffer, byteOffset, count)
  if (size === 2) return format.signed ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count)
  return format.signed ? new Int32Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count)
}

/** Takes the stored bits out of wider cells: old writers keep overlays above the high bit (PS3.5 8.1.1). */
export function cutToStoredBits(pixels: Pixels, format: PixelFormat): Pixels {
  const { bitsStored, bitsAllocated, highBit, signed } = format
  if (format.float || bitsStored >= bitsAllocated || bitsAllocated > 16) return pixels
  const shift = Math.max(0, highBit + 1 - bitsStored)
  const out = signed ? new Int16Array(pixels.length) : new Uint16Array(pixels.length)
  const up = 32 - bitsStored
  for (let index = 0; index < pixels.length; index += 1) {
    const raised = ((pixels[index] ?? 0) >> shift) << up
    out[index] = signed ? raised >> up : raised >>> up
  }
  return out
}

/** From stored values to the values that a reader speaks of (PS3.3 C.11.1). */
export interface Rescale {
  slope: number
  intercept: number
  lut: Lut | undefined
}

export function rescaleOf(attributes: Attributes, lut: Lut | undefined): Rescale {
  const dose = attributes.text('Modality') === 'RTDOSE' ? attributes.number('DoseGridScaling') : undefined
  if (dose !== undefined) return { slope: dose, intercept: 0, lut: undefined }
  const slope = attributes.number('RescaleSlope')
  // A slope of 0 would make every pixel equal; it is written by devices that mean "none".
  return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept: attributes.number('RescaleIntercept') ?? 0, lut }
}

/**
 * Modality values in the smallest type that always holds them for this format: decided from the header, so that all
 * images of a series share one type and the graphics side can keep its texture.
 */
export function toModality(stored: Pixels, format: PixelFormat, { slope, intercept, lut }: Rescale): Float32Array | Int16Array | Uint16Array | Uint8Array {
  if (lut !== undefined) {
    const out = new Uint16Array(stored.length)
    for (let index = 0; index < stored.length; index += 1) out[index] = lookUp(lut, stored[index] ?? 0)
    return out
  }
  const out = allocate(stored.length, format, slope, intercept)
  if (slope === 1 && intercept === 0) {
    out.set(stored)
    return out
  }
  for (let index = 0; index < stored.length; index += 1) out[index] = (stored[index] ?? 0) * slope + intercept
  return out
}

function allocate(count: number, format: PixelFormat, slope: number, intercept: number): Float32Array | Int16Array | Uint16Array | Uint8Array {
  if (format.float || !Number.isInteger(slope) || !Number.isInteger(intercept)) return new Float32Array(count)
  const [low, high] = format.signed ? [-(2 ** (format.bitsStored - 1)), 2 ** (format.bitsStored - 1) - 1] : [0, 2 ** format.bitsStored - 1]
  const [a, b] = [low * slope + intercept, high * slope + intercept]
  const [min, max] = [Math.min(a, b), Math.max(a, b)]
  if (min >= 0 && max <= 255) return new Uint8Array(count)
  if (min >= -32768 && max <= 32767) return new Int16Array(count)
  if (min >= 0 && max <= 65535) return new Uint16Array(count)
  return new Float32Array(count)
}

export interface ColourOptions {
  palette: Palette | undefined
  /** True when the decoder has already turned YBR into RGB. */
  isRgb: boolean
}

/** Eight-bit RGB, colour by pixel. */
export function toRgb(stored: Pixels, format: PixelFormat, { palette, isRgb }: ColourOptions): Uint8Array {
  if (format.photometric === 'PALETTE COLOR') return fromPalette(stored, palette)
  const count = format.rows * format.columns
  if (format.photometric.endsWith('_422') && !isRgb && stored.length < count * 3) return from422(stored, format)
  const out = new Uint8Array(count * 3)
  const shift = Math.max(0, format.bitsStored - 8)
  const [pixelStep, sampleStep] = format.planar ? [1, count] : [format.samples, 1]
  for (let pixel = 0; pixel < count; pixel += 1) {
    for (let sample = 0; sample < 3; sample += 1) out[pixel * 3 + sample] = (stored[pixel * pixelStep + sample * sampleStep] ?? 0) >> shift
  }
  if (format.photometric.startsWith('YBR_FULL') && !isRgb) ybrToRgb(out)
  return out
}

function fromPalette(stored: Pixels, palette: Palette | undefined): Uint8Array {
  if (palette === undefined) throw new RangeError('the palette is missing or malformed')
  const { first, rgb } = paletteTable(palette)
  const last = rgb.length / 3 - 1
  const out = new Uint8Array(stored.length * 3)
  for (let pixel = 0; pixel < stored.length; pixel += 1) {
    const entry = Math.min(Math.max((stored[pixel] ?? 0) - first, 0), last) * 3
    out[pixel * 3] = rgb[entry] ?? 0
    out[pixel * 3 + 1] = rgb[entry + 1] ?? 0
    out[pixel * 3 + 2] = rgb[entry + 2] ?? 0
  }
  return out
}

/** YBR_FULL_422 native layout: Y1 Y2 Cb Cr for two neighbours of a row (PS3.3 C.7.6.3.1.2). */
function from422(stored: Pixels, format: PixelFormat): Uint8Array {
  const out = new Uint8Array(format.rows * format.columns * 3)
  const pairs = Math.ceil(format.columns / 2)
  for (let row = 0; row < format.rows; row += 1) {
    for (let column = 0; column < format.columns; column += 1) {
      const from = (row * pairs + (column >> 1)) * 4
      const to = (row * format.columns + column) * 3
      out[to] = stored[from + (column & 1)] ?? 0
      out[to + 1] = stored[from + 2] ?? 128
      out[to + 2] = stored[from + 3] ?? 128
    }
  }
  ybrToRgb(out)
  return out
}

/** In place, by the equations of PS3.3 C.7.6.3.1.2 (ITU-R BT.601, full range). */
function ybrToRgb(pixels: Uint8Array): void {
  const clamp = (value: number): number => Math.min(255, Math.max(0, Math.round(value)))
  for (let at = 0; at < pixels.length; at += 3) {
    const y = pixels[at] ?? 0
    const cb = (pixels[at + 1] ?? 128) - 128
    const cr = (pixels[at + 2] ?? 128) - 128
    pixels[at] = clamp(y + 1.402 * cr)
    pixels[at + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr)
    pixels[at + 2] = clamp(y + 1.772 * cb)
  }
}

/** Tells padding from picture, in modality values (PS3.3 C.7.5.1.1.2). */
export function paddingTest(attributes: Attributes, format: PixelFormat, rescale: Rescale): (value: number) => boolean {
  const value = attributes.number('PixelPaddingValue')
  if (value === undefined || rescale.lut !== undefined) return () => false
  const limit = attributes.number('PixelPaddingRangeLimit') ?? value
  const ends = [value, limit].map((stored) => signedValue(stored, format) * rescale.slope + rescale.intercept)
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  return (candidate) => candidate >= low && candidate <= high
}

/** A padding value written as US although the pixels are signed. */
function signedValue(value: number, format: PixelFormat): number {
  return format.signed && value >= 2 ** (format.bitsAllocated - 1) ? value - 2 ** format.bitsAllocated : value
}

export interface Extent {
  min: number
  max: number
}

/** Smallest and largest value of the picture without its padding. */
export function extentOf(pixels: ArrayLike<number>, isPadding: (value: number) => boolean): Extent {
  let [min, max] = [Infinity, -Infinity]
  for (let index = 0; index < pixels.length; index += 1) {
    const value = pixels[index] ?? 0
    if ((value < min || value > max) && !isPadding(value)) {
      if (value < min) min = value
      if (value > max) max = value
    }
  }
  return min <= max ? { min, max } : { min: 0, max: 0 }
}
