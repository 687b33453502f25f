/** One part of a multipart/related answer, or the whole of an answer that is not multipart. */
export interface Part {
  contentType: string
  bytes: Uint8Array<ArrayBuffer>
}

const CRLF2 = [13, 10, 13, 10]

function indexOf(bytes: Uint8Array, wanted: readonly number[], from: number): number {
  outer: for (let at = from; at <= bytes.length - wanted.length; at += 1) {
    for (let offset = 0; offset < wanted.length; offset += 1) if (bytes[at + offset] !== wanted[offset]) continue outer
    return at
  }
  return -1
}

function lastIndexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  outer: for (let at = bytes.length - wanted.length; at >= 0; at -= 1) {
    for (let offset = 0; offset < wanted.length; offset += 1) if (bytes[at + offset] !== wanted[offset]) continue outer
    return at
  }
  return -1
}

/** The first part of an answer (PS3.18 8.6.1.2.1): a frame request asks for one frame. */
export function firstPart(contentType: string, bytes: Uint8Array<ArrayBuffer>): Part {
  if (!/^multipart\//i.test(contentType)) return { contentType, bytes }
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined) throw new RangeError('multipart answer without a boundary')
  const marker = [...new TextEncoder().encode(`--${boundary}`)]
  const start = indexOf(bytes, marker, 0)
  const headerEnd = indexOf(bytes, CRLF2, start + marker.length)
  if (start < 0 || headerEnd < 0) throw new RangeError('multipart answer without a part')
  const header = new TextDecoder('latin1').decode(bytes.subarray(start + marker.length, headerEnd))
  const length = Number(/^content-length:\s*(\d+)\s*$/im.exec(header)?.[1] ?? NaN)
  const from = headerEnd + CRLF2.length
  // Pixel bytes can look like a boundary, so the length is believed first and the closing one searched from the end.
  const closing = lastIndexOf(bytes, [13, 10, ...marker])
  const end = Number.isInteger(length) && from + length <= bytes.length ? from + length : closing > from ? closing : bytes.length
  const type = /^content-type:\s*(.+?)\s*$/im.exec(header)?.[1] ?? 'application/octet-stream'
  return { contentType: type, bytes: bytes.subarray(from, end) }
}

const BY_MEDIA_TYPE: Readonly<Record<string, string>> = {
  'image/jpeg': '1.2.840.10008.1.2.4.50',
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/x-dicom-rle': '1.2.840.10008.1.2.5',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/jxl': '1.2.840.10008.1.2.4.110',
  'image/jphc': '1.2.840.10008.1.2.4.201',
}

export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'

/** The transfer syntax that a part's bytes are in (PS3.18 8.7.3.3.2). */
export function transferSyntaxOf(contentType: string): string {
  const stated = /transfer-syntax="?([\d.]+)"?/i.exec(contentType)?.[1]
  if (stated !== undefined) return stated
  return BY_MEDIA_TYPE[(contentType.split(';')[0] ?? '').trim().toLowerCase()] ?? EXPLICIT_LITTLE_ENDIAN
}
