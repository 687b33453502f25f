import { type PixelFormat } from '@/dicom/pixels'
import { JPEG_12, JPEG_2000, JPEG_8, JPEG_LS, type Decoded } from './codecs'
import { HTJ2K_RPCL } from './copies'
import { decodeApart, warmDecoder } from './decoders'

export { warmDecoder }

/** Four by four black pixels. */
const SMALLEST = '/0//UQApQAAAAAAEAAAABAAAAAAAAAAAAAAABAAAAAQAAAAAAAAAAAABBwEB/1AACAACAAAAAf9SAAwAAgABAAEEBEAB/1wAByBISEhI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAABoAAf+TwCoA/3//fwCBtAAA/9k='
let warmed: Promise<unknown> | undefined

/** Brings in and compiles the codec of the copies before the first of them comes. */
export function warmCopies(): void {
  warmed ??= decodeFrame(
    Uint8Array.from(atob(SMALLEST), (character) => character.charCodeAt(0)),
    HTJ2K_RPCL,
    { rows: 4, columns: 4, samples: 1, bitsAllocated: 8, bitsStored: 8, highBit: 7, signed: false, float: false, photometric: 'MONOCHROME2', planar: false },
  ).catch(() => undefined)
}


/** True for a JPEG that says RGB in the header but whose stream does not, so that a codec would convert it once too often. */
function isMislabelled(bytes: Uint8Array, format: PixelFormat, transferSyntax: string): boolean {
  if (transferSyntax !== JPEG_8 || format.photometric !== 'RGB' || format.samples !== 3) return false
  for (let at = 2; at + 4 < bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xee) return false
    if (marker === 0xc0) return (bytes[at + 10] ?? 0) !== 0x52
    if (marker === 0xda) return false
    at += 2 + (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
  }
  return false
}

const HTJ2K = new Set(['1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.202', '1.2.840.10008.1.2.4.203'])
const MOST_HEADER = 4096

/** True for a colour HTJ2K stream without a colour transform, of which the codec mixes up the lines: the COD marker says so (T.800 A.6.1). */
function hasPlanes(bytes: Uint8Array, format: PixelFormat, transferSyntax: string): boolean {
  if (format.samples < 3 || !HTJ2K.has(transferSyntax)) return false
  for (let at = 2; at + 8 < Math.min(bytes.length, MOST_HEADER) && bytes[at] === 0xff; ) {
    if (bytes[at + 1] === 0x52) return bytes[at + 8] === 0
    at += 2 + (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0)
  }
  return false
}

/** Decodes a compressed frame in the worker, to stored values without any rescale; `reduction` as a picture that is halved so many times. */
export async function decodeFrame(bytes: Uint8Array, transferSyntax: string, format: PixelFormat, reduction = 0): Promise<Decoded> {
  if (isMislabelled(bytes, format, transferSyntax)) throw new RangeError('JPEG without the marker that RGB needs')
  if (hasPlanes(bytes, format, transferSyntax)) throw new RangeError('HTJ2K colour without a colour transform')
  const imageFrame = {
    rows: format.rows,
    columns: format.columns,
    samplesPerPixel: format.samples,
    bitsAllocated: format.bitsAllocated,
    bitsStored: format.bitsStored,
    highBit: format.highBit,
    pixelRepresentation: format.signed ? 1 : 0,
    planarConfiguration: format.planar ? 1 : 0,
    photometricInterpretation: format.photometric,
    ...(reduction > 0 ? { decodeLevel: reduction } : {}),
  }
  // A copy: the bytes may be asked for again, as plain pixels or by another pane.
  const decoded = await decodeApart({ imageFrame, transferSyntax, pixelData: bytes.slice(), options: { preScale: { enabled: false } }, decodeConfig: {} })
  return {
    pixels: decoded.pixelData,
    rows: decoded.rows,
    columns: decoded.columns,
    isRgb: transferSyntax === JPEG_8 || transferSyntax === JPEG_12 || (JPEG_2000.has(transferSyntax) && format.photometric !== 'YBR_FULL'),
    planar: JPEG_LS.has(transferSyntax) && decoded.interleaveMode === 0,
  }
}
