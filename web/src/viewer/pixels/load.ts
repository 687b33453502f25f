import { EXPLICIT_LITTLE_ENDIAN, firstPart, transferSyntaxOf } from '@/dicom/multipart'
import { embeddedBits, overlayPlanes } from '@/dicom/overlayplane'
import {
  cutToStoredBits,
  extentOf,
  isColour,
  paddingTest,
  pixelFormatOf,
  readNative,
  rescaleOf,
  toModality,
  toRgb,
  type PixelFormat,
  type Pixels,
  type Rescale,
} from '@/dicom/pixels'
import { decodeRle } from '@/dicom/rle'
import { type Frame } from '@/dicom/series'
import { headerWindows, type NamedVoi } from '@/dicom/window'
import { modalityLut, paletteOf, voiLuts } from './binary'
import { canDecode, type Decoded } from './codecs'
import { AS_PLAIN, AS_STORED, frameQueue } from './framequeue'
import { type EmbeddedPlane, type Picture } from './picture'

const PLAIN = new Set([EXPLICIT_LITTLE_ENDIAN, '1.2.840.10008.1.2', '1.2.840.10008.1.2.1.99'])
const RLE = '1.2.840.10008.1.2.5'
const DEFLATED_FRAME = '1.2.840.10008.1.2.8.1'

interface Stored extends Decoded {
  transferSyntax: string
  embedded: EmbeddedPlane[]
}

function embeddedPlanes(frame: Frame, format: PixelFormat, cells: Pixels): EmbeddedPlane[] {
  if (format.samples !== 1 || format.bitsAllocated !== 16) return []
  return overlayPlanes(frame.attributes).flatMap((plane) => {
    const bits = plane.bit > format.highBit ? embeddedBits(plane, cells) : undefined
    return bits === undefined ? [] : [{ plane, bits }]
  })
}

async function storedValues(frame: Frame, format: PixelFormat, priority: number, accept: string): Promise<Stored> {
  const answer = await frameQueue.request(frame.url, priority, accept, frame.digest)
  const part = firstPart(answer.contentType, answer.bytes)
  const transferSyntax = transferSyntaxOf(part.contentType)
  const plain = { rows: format.rows, columns: format.columns, isRgb: false, transferSyntax, embedded: [] }
  if (PLAIN.has(transferSyntax) || transferSyntax === DEFLATED_FRAME) {
    const bytes = transferSyntax === DEFLATED_FRAME ? await inflate(part.bytes, nativeBytes(format)) : part.bytes
    const cells = readNative(bytes, format)
    return { ...plain, planar: format.planar, pixels: cutToStoredBits(cells, format), embedded: embeddedPlanes(frame, format, cells) }
  }
  if (transferSyntax === RLE && format.bitsAllocated >= 8) {
    const bytes = decodeRle(part.bytes, format.rows * format.columns, format.samples, format.bitsAllocated / 8)
    const byPixel = { ...format, planar: false }
    return { ...plain, planar: false, pixels: cutToStoredBits(readNative(bytes, byPixel), byPixel) }
  }
  if (!canDecode(transferSyntax)) throw new RangeError(`no codec for ${transferSyntax}`)
  const { decodeFrame } = await import('./decode')
  const decoded = await decodeFrame(part.bytes, transferSyntax, format)
  if (decoded.pixels.length < decoded.rows * decoded.columns) throw new RangeError('the decoded frame is too small')
  return { ...decoded, transferSyntax, embedded: [] }
}

const nativeBytes = (format: PixelFormat): number => Math.ceil((format.rows * format.columns * format.samples * format.bitsAllocated) / 8)

/** Inflates at most as many bytes as the frame has, whatever the stream would like to become. */
async function inflate(bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  const out = new Uint8Array(most)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    out.set(value.subarray(0, most - length), length)
    length += value.length
    if (length >= most) {
      await reader.cancel()
      return out
    }
  }
  return out.subarray(0, length)
}

/** Stored values in any encoding; what the browser cannot decode is asked of the server once more as plain pixels. */
async function anyStoredValues(frame: Frame, format: PixelFormat, priority: number): Promise<Stored> {
  try {
    return await storedValues(frame, format, priority, AS_STORED)
  } catch (error) {
    const isOurs = error instanceof Error && error.name !== 'ApiError' && error.name !== 'AbortError'
    if (!isOurs && typeof error !== 'string') throw error
    // What the server decodes is RGB even where the object says YBR (PS3.18 8.7.3.3).
    const plain = await storedValues(frame, format, priority, AS_PLAIN)
    return { ...plain, isRgb: plain.pixels.length === format.rows * format.columns * 3 && !format.photometric.startsWith('YBR_FULL') }
  }
}

/** Fetches, decodes and prepares one frame. */
export async function loadPicture(frame: Frame, priority: number): Promise<Picture> {
  const of = frame.attributes
  const format = pixelFormatOf(of)
  if (format === undefined) throw new RangeError('the object states no usable picture format')
  const [stored, lut, palette, luts] = await Promise.all([
    anyStoredValues(frame, format, priority),
    modalityLut(of),
    paletteOf(of),
    voiLuts(of),
  ])
  const { rows, columns, transferSyntax, embedded } = stored
  const actual: PixelFormat = { ...format, rows, columns, planar: stored.planar }
  const rescale = rescaleOf(of, lut)
  const isPadding = paddingTest(of, format, rescale)
  const colour = isColour(format)
  const pixels = colour ? toRgb(stored.pixels, actual, { palette, isRgb: stored.isRgb }) : grey(stored.pixels, actual, rescale)
  const headerVois: NamedVoi[] = [
    ...luts.map((item): NamedVoi => ({ voi: { kind: 'lut', lut: item }, name: item.explanation })),
    ...headerWindows(of),
  ]
  const extent = colour ? { min: 0, max: 255 } : extentOf(pixels, isPadding)
  return { frame, rows, columns, colour, pixels, format: actual, rescale, extent, isPadding, headerVois: colour ? [] : headerVois, transferSyntax, embedded }
}

function grey(stored: Pixels, format: PixelFormat, rescale: Rescale): Picture['pixels'] {
  const count = format.rows * format.columns
  return toModality(stored.length === count ? stored : stored.subarray(0, count), format, rescale)
}
