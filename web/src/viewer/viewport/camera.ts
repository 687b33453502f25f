import { add, dot, normalise, patientToPixel, pixelToPatient, scale, subtract, type Plane, type Point2, type Vec3 } from '@/dicom/geometry'

/** How a picture lies in its viewport. Everything else (camera, letters, lines) follows from this and the plane. */
export interface Presentation {
  /** Pixel coordinates of the point in the middle of the viewport. */
  centre: Point2
  /** CSS pixels per millimetre (or per sheet unit). */
  scale: number
  /** Clockwise on the screen, in degrees. */
  rotation: number
  flipHorizontal: boolean
  flipVertical: boolean
}

export interface Camera {
  focalPoint: Vec3
  viewUp: Vec3
  /** From the picture towards the eye. */
  viewPlaneNormal: Vec3
  parallelScale: number
}

export type Size = Point2

/** Directions in the patient of the screen's right and down. */
export function axesOf(plane: Plane, { rotation, flipHorizontal, flipVertical }: Presentation): { right: Vec3; down: Vec3 } {
  const right = flipHorizontal ? scale(plane.row, -1) : plane.row
  const down = flipVertical ? scale(plane.column, -1) : plane.column
  const angle = (rotation * Math.PI) / 180
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
  return {
    right: add(scale(right, cosine), scale(down, -sine)),
    down: add(scale(right, sine), scale(down, cosine)),
  }
}

export function cameraOf(plane: Plane, presentation: Presentation, [, height]: Size): Camera {
  const { right, down } = axesOf(plane, presentation)
  const up = scale(down, -1)
  const towardsEye = normalise([
    right[1] * up[2] - right[2] * up[1],
    right[2] * up[0] - right[0] * up[2],
    right[0] * up[1] - right[1] * up[0],
  ]) ?? plane.normal
  return {
    focalPoint: pixelToPatient(plane, presentation.centre),
    viewUp: up,
    viewPlaneNormal: towardsEye,
    parallelScale: height / 2 / presentation.scale,
  }
}

export function canvasToPatient(plane: Plane, presentation: Presentation, [width, height]: Size, [x, y]: Point2): Vec3 {
  const { right, down } = axesOf(plane, presentation)
  const centre = pixelToPatient(plane, presentation.centre)
  return add(centre, add(scale(right, (x - width / 2) / presentation.scale), scale(down, (y - height / 2) / presentation.scale)))
}

export function patientToCanvas(plane: Plane, presentation: Presentation, [width, height]: Size, point: Vec3): Point2 {
  const { right, down } = axesOf(plane, presentation)
  const offset = subtract(point, pixelToPatient(plane, presentation.centre))
  return [width / 2 + dot(offset, right) * presentation.scale, height / 2 + dot(offset, down) * presentation.scale]
}

export function canvasToPixel(plane: Plane, presentation: Presentation, size: Size, point: Point2): Point2 {
  return patientToPixel(plane, canvasToPatient(plane, presentation, size, point))
}

export const centrePixel = (plane: Plane): Point2 => [(plane.size[1] - 1) / 2, (plane.size[0] - 1) / 2]

const isSideways = (rotation: number): boolean => Math.abs(Math.sin((rotation * Math.PI) / 180)) > 0.7071

/** The scale at which the whole picture just fits. */
export function fitScale(plane: Plane, rotation: number, [width, height]: Size): number {
  const [tall, wide] = [plane.size[0] * plane.spacing[0], plane.size[1] * plane.spacing[1]]
  const [across, down] = isSideways(rotation) ? [tall, wide] : [wide, tall]
  return Math.max(1e-6, Math.min(width / across, height / down))
}

/** Moves the centre so that whole image pixels fall on whole screen pixels: only then is 1:1 exact. */
export function snapCentre([x, y]: Point2, rotation: number, size: Size, pixelRatio: number): Point2 {
  const [width, height] = size.map((side) => Math.round(side * pixelRatio))
  const [across, down] = isSideways(rotation) ? [height ?? 0, width ?? 0] : [width ?? 0, height ?? 0]
  const snap = (value: number, screen: number): number => {
    const phase = ((screen / 2 - 0.5) % 1 + 1) % 1
    return Math.round(value - phase) + phase
  }
  return [snap(x, across), snap(y, down)]
}

/** Keeps at least a corner of the picture in sight. */
export function keepInSight(plane: Plane, [x, y]: Point2): Point2 {
  const [rows, columns] = plane.size
  return [Math.min(Math.max(x, 0), columns - 1), Math.min(Math.max(y, 0), rows - 1)]
}
