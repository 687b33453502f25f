import { type OverlayPlane } from '@/dicom/overlayplane'
import { type Lut } from '@/dicom/lut'
import { type Extent, type PixelFormat, type Rescale } from '@/dicom/pixels'
import { type Frame } from '@/dicom/series'
import { type NamedVoi } from '@/dicom/window'

/** A frame whose pixels are there: what is drawn, probed and windowed. */
export interface Picture {
  frame: Frame
  rows: number
  columns: number
  colour: boolean
  /** Modality values, or RGB by pixel. */
  pixels: Float32Array | Int16Array | Uint16Array | Uint8Array
  format: PixelFormat
  rescale: Rescale
  extent: Extent
  isPadding: (value: number) => boolean
  /** Windows and tables of the object itself, the first of them the one to begin with. */
  headerVois: NamedVoi[]
  /** From windowed to presented grey, where the object says how (PS3.3 C.11.6). */
  presentation?: Lut | undefined
  transferSyntax: string
  /** By how many halvings of each side this is smaller than the image; rows, columns and pixels are of the smaller one. Absent: the image itself. */
  reduction?: number
  /** Graphics found in unused bits of the pixel cells. */
  embedded: readonly EmbeddedPlane[]
}

export interface EmbeddedPlane {
  plane: OverlayPlane
  bits: Uint8Array
}

/** The value under a point in pixel coordinates (integers are pixel centres), or nothing outside the picture. A smaller picture has none to tell (guard 11). */
export function valueAt(picture: Picture, x: number, y: number): { x: number; y: number; value: number[] } | undefined {
  if (picture.reduction !== undefined) return undefined
  const [column, row] = [Math.round(x), Math.round(y)]
  if (column < 0 || row < 0 || column >= picture.columns || row >= picture.rows) return undefined
  const at = row * picture.columns + column
  const value = picture.colour ? [...picture.pixels.subarray(at * 3, at * 3 + 3)] : [picture.pixels[at] ?? 0]
  return { x: column, y: row, value }
}
