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

/** True for pictures that are painted here exactly as the drawing library paints them: colour, and grey through a straight window. */
export const isPlain = (picture: Picture, voi: Voi): boolean => picture.colour || (voi.kind === 'window' && voi.fn !== 'SIGMOID' && picture.presentation === undefined)

/** Between which values of the picture a point lies, and how near to each. Filled anew for every point: there are a million. */
interface Corners {
  at: number
  right: number
  down: number
  across: number
  along: number
}

function between({ pixels }: Picture, { at, right, down, across, along }: Corners): number {
  const above = (pixels[at] ?? 0) * (1 - across) + (pixels[at + right] ?? 0) * across
  const below = (pixels[at + down] ?? 0) * (1 - across) + (pixels[at + down + right] ?? 0) * across
  return above * (1 - along) + below * along
}

/**
 * Values between pixel centres by two straight interpolations, then through the window: what the drawing library does on the
 * graphics side. Opaque black outside of the picture.
 */
export function paint(picture: Picture, voi: Voi, inverted: boolean, map: Mapping, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  const { rows, columns, colour } = picture
  const { lower, upper } = rangeOf(voi)
  const span = Math.max(upper - lower, 1e-3)
  const samples = colour ? 3 : 1
  const out = new Uint8ClampedArray(width * height * 4)
  const words = new Uint32Array(out.buffer).fill(0xff000000)
  const corners: Corners = { at: 0, right: 0, down: 0, across: 0, along: 0 }
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const x = map.a * column + map.c * row + map.e
      const y = map.b * column + map.d * row + map.f
      if (x < -0.5 || y < -0.5 || x >= columns - 0.5 || y >= rows - 0.5) continue
      const left = Math.max(0, Math.floor(x))
      const top = Math.max(0, Math.floor(y))
      corners.at = (top * columns + left) * samples
      corners.right = left + 1 < columns ? samples : 0
      corners.down = top + 1 < rows ? columns * samples : 0
      corners.across = Math.max(0, x - left)
      corners.along = Math.max(0, y - top)
      if (colour) {
        const red = Math.round(between(picture, corners))
        corners.at += 1
        const green = Math.round(between(picture, corners))
        corners.at += 1
        words[row * width + column] = 0xff000000 | (Math.round(between(picture, corners)) << 16) | (green << 8) | red
      } else {
        const grey = Math.min(1, Math.max(0, (between(picture, corners) - lower) / span))
        const level = Math.round((inverted ? 1 - grey : grey) * 255)
        words[row * width + column] = 0xff000000 | (level << 16) | (level << 8) | level
      }
    }
  }
  return out
}
