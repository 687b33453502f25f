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
import { modalityLut, paletteOf, presentationLut, voiLuts } from './binary'
import { canDecode, type Decoded } from './codecs'
import { ANY, copyOf, firstLook, forgetCopy, HTJ2K_RPCL, type CopyOfFrame, type FrameKey } from './copies'
import { AS_PLAIN, AS_STORED, frameQueue, PRIORITY } from './framequeue'
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

const MOST_PREFIXES = 8

/** Beginnings of copies that are on the screen as smaller pictures, until the rest is asked for. */
const prefixes = new Map<string, Promise<Uint8Array>>()

export function forgetPrefixes(): void {
  prefixes.clear()
}

const keyOf = (frame: FrameKey): string => `${frame.url}#${frame.digest}`

async function part(frame: FrameKey, copy: CopyOfFrame, first: number, end: number, priority: number): Promise<Uint8Array<ArrayBuffer>> {
  const isWhole = first === 0 && end === copy.ends.at(-1)
  const answer = await frameQueue.request(frame.url, priority, ANY, frame.digest, isWhole ? { url: copy.url } : { url: copy.url, first, end })
  if (answer.bytes.length !== end - first) throw new RangeError('a part of a copy has another length')
  return answer.bytes
}

async function copiedBytes(frame: Frame, copy: CopyOfFrame, priority: number): Promise<Uint8Array> {
  const whole = copy.ends.at(-1) ?? 0
  const begun = prefixes.get(keyOf(frame))
  if (begun === undefined) return part(frame, copy, 0, whole, priority)
  const head = await begun
  prefixes.delete(keyOf(frame))
  const bytes = new Uint8Array(whole)
  bytes.set(head)
  bytes.set(await part(frame, copy, head.length, whole, priority), head.length)
  return bytes
}

/** The very values of the object, by way of its lossless copy; nothing when that cannot be had. */
async function copiedValues(frame: Frame, format: PixelFormat, priority: number): Promise<Stored | undefined> {
  const copy = copyOf(frame)
  if (copy === undefined) return undefined
  try {
    const bytes = await copiedBytes(frame, copy, priority)
    const { decodeFrame } = await import('./decode')
    const decoded = await decodeFrame(bytes, HTJ2K_RPCL, format)
    if (decoded.rows !== format.rows || decoded.columns !== format.columns) throw new RangeError('the copy has another size')
    return { ...decoded, transferSyntax: frame.transferSyntax, embedded: [] }
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error
    prefixes.delete(keyOf(frame))
    forgetCopy(frame)
    return undefined
  }
}

/** A smaller picture of a large frame by the first bytes of its copy, when it has one; asked for before the whole. */
export function loadFirstLook(frame: Frame): Promise<Picture> | undefined {
  const copy = copyOf(frame)
  const look = copy === undefined ? undefined : firstLook(copy)
  const format = pixelFormatOf(frame.attributes)
  if (copy === undefined || look === undefined || format === undefined) return undefined
  const bytes = part(frame, copy, 0, look.bytes, PRIORITY.display)
  prefixes.set(keyOf(frame), bytes)
  if (prefixes.size > MOST_PREFIXES) prefixes.delete(prefixes.keys().next().value ?? '')
  return smallerPicture(frame, format, bytes, look.reduction)
}

async function smallerPicture(frame: Frame, format: PixelFormat, bytes: Promise<Uint8Array>, reduction: number): Promise<Picture> {
  const { decodeFrame } = await import('./decode')
  const [rows, columns] = [format.rows, format.columns].map((side) => Math.ceil(side / 2 ** reduction)) as [number, number]
  const decoded = await decodeFrame(await bytes, HTJ2K_RPCL, format, reduction)
  if (decoded.rows !== rows || decoded.columns !== columns) throw new RangeError('the copy has another size')
  return { ...(await toPicture(frame, format, Promise.resolve({ ...decoded, transferSyntax: frame.transferSyntax, embedded: [] }))), reduction }
}

/** Fetches, decodes and prepares one frame. */
export function loadPicture(frame: Frame, priority: number): Promise<Picture> {
  const format = pixelFormatOf(frame.attributes)
  if (format === undefined) return Promise.reject(new RangeError('the object states no usable picture format'))
  return toPicture(
    frame,
    format,
    copiedValues(frame, format, priority).then((copied) => copied ?? anyStoredValues(frame, format, priority)),
  )
}

async function toPicture(frame: Frame, format: PixelFormat, values: Promise<Stored>): Promise<Picture> {
  const of = frame.attributes
  const [stored, lut, palette, luts, presentation] = await Promise.all([values, modalityLut(of), paletteOf(of), voiLuts(of), presentationLut(of)])
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
  return { frame, rows, columns, colour, pixels, format: actual, rescale, extent, isPadding, headerVois: colour ? [] : headerVois, transferSyntax, embedded, presentation }
}

function grey(stored: Pixels, format: PixelFormat, rescale: Rescale): Picture['pixels'] {
  const count = format.rows * format.columns
  return toModality(stored.length === count ? stored : stored.subarray(0, count), format, rescale)
}
