import { type Plane, type Point2 } from '@/dicom/geometry'
import { type Voi } from '@/dicom/window'
import { type Picture } from '../pixels/picture'
import { type Size } from './camera'
import { paint, type Mapping } from './paint'
import { type Placement } from './placement'
import { isNaturallyInverse } from './presets'

export interface Flat {
  picture: Picture
  voi: Voi
  inverted: boolean
  placement: Placement
  plane: Plane
  size: Size
}

function mappingOf({ placement, plane, picture }: Flat, ratio: number): Mapping | undefined {
  const at = (column: number, row: number): Point2 | undefined => placement.toPixel([(column + 0.5) / ratio, (row + 0.5) / ratio])
  const [origin, right, down] = [at(0, 0), at(1, 0), at(0, 1)]
  if (origin === undefined || right === undefined || down === undefined || plane.spacing[0] <= 0) return undefined
  // Each halving keeps the samples at even places, so that the first pixel of both lies at the same point.
  const scale = 1 / 2 ** (picture.reduction ?? 0)
  return {
    a: (right[0] - origin[0]) * scale,
    b: (right[1] - origin[1]) * scale,
    c: (down[0] - origin[0]) * scale,
    d: (down[1] - origin[1]) * scale,
    e: origin[0] * scale,
    f: origin[1] * scale,
  }
}

/** Paints a picture as it lies in a viewport, without the drawing library; false when it has no place yet. */
export function paintFlat(canvas: HTMLCanvasElement, flat: Flat): boolean {
  const ratio = devicePixelRatio
  const [width, height] = flat.size.map((side) => Math.round(side * ratio)) as [number, number]
  const map = mappingOf(flat, ratio)
  const context = canvas.getContext('2d')
  if (map === undefined || context === null || width === 0 || height === 0) return false
  const { picture, voi, inverted } = flat
  canvas.width = width
  canvas.height = height
  context.putImageData(new ImageData(paint(picture, voi, inverted !== isNaturallyInverse(picture), map, width, height), width, height), 0, 0)
  canvas.hidden = false
  return true
}
