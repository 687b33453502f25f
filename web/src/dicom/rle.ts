/**
 * Decodes one RLE Lossless frame (PS3.5 G) to native little-endian bytes: byte planes come most significant first, one
 * set per sample. The result is colour-by-pixel.
 */
export function decodeRle(data: Uint8Array, pixels: number, samples: number, bytesPerSample: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (data.byteLength < 64) throw new RangeError('RLE header is cut off')
  const segments = view.getUint32(0, true)
  if (segments !== samples * bytesPerSample) throw new RangeError(`RLE has ${segments} segments, ${samples * bytesPerSample} expected`)
  const out = new Uint8Array(pixels * samples * bytesPerSample)
  for (let segment = 0; segment < segments; segment += 1) {
    const start = view.getUint32(4 + segment * 4, true)
    const next = segment + 1 < segments ? view.getUint32(8 + segment * 4, true) : data.byteLength
    const sample = Math.floor(segment / bytesPerSample)
    const byte = bytesPerSample - 1 - (segment % bytesPerSample)
    unpack(data, start, Math.min(next, data.byteLength), out, sample * bytesPerSample + byte, samples * bytesPerSample)
  }
  return out
}

function unpack(data: Uint8Array, start: number, end: number, out: Uint8Array, first: number, stride: number): void {
  let from = start
  let to = first
  while (from < end && to < out.length) {
    const control = data[from] ?? 128
    from += 1
    if (control < 128) {
      for (let count = control + 1; count > 0 && to < out.length && from < end; count -= 1, to += stride, from += 1) out[to] = data[from] ?? 0
    } else if (control > 128) {
      const value = data[from] ?? 0
      from += 1
      for (let count = 257 - control; count > 0 && to < out.length; count -= 1, to += stride) out[to] = value
    }
  }
}
