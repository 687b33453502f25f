import { getWebWorkerManager } from '@cornerstonejs/core'
import { type PixelFormat, type Pixels } from '@/dicom/pixels'

export interface Decoded {
  pixels: Pixels
  rows: number
  columns: number
  /** True when the codec has turned its own colour transform back, so that three samples are RGB. */
  isRgb: boolean
  planar: boolean
}

const JPEG_8 = '1.2.840.10008.1.2.4.50'
const JPEG_12 = '1.2.840.10008.1.2.4.51'
const JPEG_LS = new Set(['1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81'])
const JPEG_2000 = new Set([
  '1.2.840.10008.1.2.4.90',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.201',
  '1.2.840.10008.1.2.4.202',
  '1.2.840.10008.1.2.4.203',
])
const OTHERS = new Set([
  JPEG_8,
  JPEG_12,
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.110',
  '1.2.840.10008.1.2.4.111',
  '1.2.840.10008.1.2.4.112',
])

/** Whether the worker has a codec for it; the rest is asked of the server as plain pixels. */
export const canDecode = (transferSyntax: string): boolean => JPEG_LS.has(transferSyntax) || JPEG_2000.has(transferSyntax) || OTHERS.has(transferSyntax)

interface WorkerFrame {
  pixelData: Pixels
  rows: number
  columns: number
  interleaveMode?: number
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

/** Decodes a compressed frame in the worker, to stored values without any rescale. */
export async function decodeFrame(bytes: Uint8Array, transferSyntax: string, format: PixelFormat): Promise<Decoded> {
  if (isMislabelled(bytes, format, transferSyntax)) throw new RangeError('JPEG without the marker that RGB needs')
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
  }
  const task = { imageFrame, transferSyntax, pixelData: bytes, options: { preScale: { enabled: false } }, decodeConfig: {} }
  const decoded = await getWebWorkerManager().executeTask<WorkerFrame>('dicomImageLoader', 'decodeTask', task)
  return {
    pixels: decoded.pixelData,
    rows: decoded.rows,
    columns: decoded.columns,
    isRgb: transferSyntax === JPEG_8 || transferSyntax === JPEG_12 || (JPEG_2000.has(transferSyntax) && format.photometric !== 'YBR_FULL'),
    planar: JPEG_LS.has(transferSyntax) && decoded.interleaveMode === 0,
  }
}
