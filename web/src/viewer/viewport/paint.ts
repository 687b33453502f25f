import { type Voi, rangeOf } from '@/dicom/window'
import { type Picture } from '../pixels/picture'

/** From the centre of a screen pixel to pixel coordinates of the picture: x = a * column + c * row + e, y = b * column + d * row + f. */
export interface Mapping {
  a: number
  b: number
  c: number
  d: number
  e: number
  f: number
}

/** True for pictures that are painted here exactly as the drawing library paints them: grey, through a straight window. */
export const isPlain = (picture: Picture, voi: Voi): boolean => !picture.colour && voi.kind === 'window' && voi.fn !== 'SIGMOID'

/**
 * Values between pixel centres by two straight interpolations, then through the window: what the drawing library does on the
 * graphics side. Opaque black outside of the picture.
 */
export function paintGrey(picture: Picture, voi: Voi, inverted: boolean, map: Mapping, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  const { rows, columns, pixels } = picture
  const { lower, upper } = rangeOf(voi)
  const span = Math.max(upper - lower, 1e-3)
  const out = new Uint8ClampedArray(width * height * 4)
  const words = new Uint32Array(out.buffer).fill(0xff000000)
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const x = map.a * column + map.c * row + map.e
      const y = map.b * column + map.d * row + map.f
      if (x < -0.5 || y < -0.5 || x >= columns - 0.5 || y >= rows - 0.5) continue
      const left = Math.max(0, Math.floor(x))
      const top = Math.max(0, Math.floor(y))
      const at = top * columns + left
      const right = left + 1 < columns ? 1 : 0
      const down = top + 1 < rows ? columns : 0
      const across = Math.max(0, x - left)
      const along = Math.max(0, y - top)
      const above = (pixels[at] ?? 0) * (1 - across) + (pixels[at + right] ?? 0) * across
      const below = (pixels[at + down] ?? 0) * (1 - across) + (pixels[at + down + right] ?? 0) * across
      const grey = Math.min(1, Math.max(0, (above * (1 - along) + below * along - lower) / span))
      const level = Math.round((inverted ? 1 - grey : grey) * 255)
      words[row * width + column] = 0xff000000 | (level << 16) | (level << 8) | level
    }
  }
  return out
}
