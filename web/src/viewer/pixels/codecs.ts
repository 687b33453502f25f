import { type Pixels } from '@/dicom/pixels'

export interface Decoded {
  pixels: Pixels
  rows: number
  columns: number
  /** True when the codec has turned its own colour transform back, so that three samples are RGB. */
  isRgb: boolean
  planar: boolean
}

export const JPEG_8 = '1.2.840.10008.1.2.4.50'
export const JPEG_12 = '1.2.840.10008.1.2.4.51'
export const JPEG_LS = new Set(['1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81'])
export const JPEG_2000 = new Set([
  '1.2.840.10008.1.2.4.90',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.201',
  '1.2.840.10008.1.2.4.202',
  '1.2.840.10008.1.2.4.203',
])
// JPEG of 12 bits is left to the server: the decoder of the browser is off by a few stored values.
const OTHERS = new Set([
  JPEG_8,
  '1.2.840.10008.1.2.4.57',
  '1.2.840.10008.1.2.4.70',
  '1.2.840.10008.1.2.4.110',
  '1.2.840.10008.1.2.4.111',
  '1.2.840.10008.1.2.4.112',
])

/** Whether the worker has a codec for it; the rest is asked of the server as plain pixels. */
export const canDecode = (transferSyntax: string): boolean => JPEG_LS.has(transferSyntax) || JPEG_2000.has(transferSyntax) || OTHERS.has(transferSyntax)
