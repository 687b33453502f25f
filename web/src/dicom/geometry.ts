import { type Attributes } from './attributes'

export type Vec3 = readonly [number, number, number]
export type Point2 = readonly [number, number]

/** Where a frame lies in the patient (PS3.3 C.7.6.2.1.1). */
export interface Plane {
  /** Centre of the first pixel. */
  origin: Vec3
  /** Direction along a row: the way in which the column index grows. */
  row: Vec3
  /** Direction along a column: the way in which the row index grows. */
  column: Vec3
  normal: Vec3
  /** Distance between rows, then between columns, in mm. */
  spacing: Point2
  /** Rows, then columns. */
  size: Point2
  frameOfReference: string
}

export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
export const scale = (a: Vec3, factor: number): Vec3 => [a[0] * factor, a[1] * factor, a[2] * factor]
export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
]
export const length = (a: Vec3): number => Math.sqrt(dot(a, a))

export function normalise(a: Vec3): Vec3 | undefined {
  const size = length(a)
  return size > 1e-9 ? scale(a, 1 / size) : undefined
}

const vec3 = (values: readonly number[]): Vec3 | undefined => {
  const [x, y, z] = values
  return values.length === 3 && x !== undefined && y !== undefined && z !== undefined ? [x, y, z] : undefined
}

/** The two direction cosines, or nothing when the object states none or nonsense. */
export function orientationOf(attributes: Attributes): { row: Vec3; column: Vec3 } | undefined {
  const values = attributes.numbers('ImageOrientationPatient')
  const row = normalise(vec3(values.slice(0, 3)) ?? [0, 0, 0])
  const column = normalise(vec3(values.slice(3, 6)) ?? [0, 0, 0])
  if (values.length !== 6 || row === undefined || column === undefined) return undefined
  // Cosines that are not at right angles describe no plane; 1e-2 forgives the rounding of DS values.
  return Math.abs(dot(row, column)) < 1e-2 ? { row, column } : undefined
}

/** The plane of a frame, or nothing unless position, orientation and spacing are all stated. */
export function planeOf(attributes: Attributes): Plane | undefined {
  const orientation = orientationOf(attributes)
  const origin = vec3(attributes.numbers('ImagePositionPatient'))
  const [rowSpacing, columnSpacing] = attributes.numbers('PixelSpacing')
  const rows = attributes.number('Rows')
  const columns = attributes.number('Columns')
  if (orientation === undefined || origin === undefined || rows === undefined || columns === undefined) return undefined
  if (rowSpacing === undefined || columnSpacing === undefined || rowSpacing <= 0 || columnSpacing <= 0) return undefined
  return {
    origin,
    ...orientation,
    normal: cross(orientation.row, orientation.column),
    spacing: [rowSpacing, columnSpacing],
    size: [rows, columns],
    frameOfReference: attributes.text('FrameOfReferenceUID'),
  }
}

/** Patient coordinates of a point given in pixels (x = column, y = row; integers are pixel centres). */
export function pixelToPatient(plane: Plane, [x, y]: Point2): Vec3 {
  return add(plane.origin, add(scale(plane.row, x * plane.spacing[1]), scale(plane.column, y * plane.spacing[0])))
}

/** Pixel coordinates of the foot of a patient point on the plane. */
export function patientToPixel(plane: Plane, point: Vec3): Point2 {
  const offset = subtract(point, plane.origin)
  return [dot(offset, plane.row) / plane.spacing[1], dot(offset, plane.column) / plane.spacing[0]]
}

export function centreOf(plane: Plane): Vec3 {
  return pixelToPatient(plane, [(plane.size[1] - 1) / 2, (plane.size[0] - 1) / 2])
}

const AXES: readonly (readonly [string, string])[] = [
  ['L', 'R'],
  ['P', 'A'],
  ['H', 'F'],
]

/** Letters of a direction in the patient, the strongest first: `L`, `AL`, `PHR` (PS3.3 C.7.6.1.1.1). */
export function directionLetters(direction: Vec3): string {
  const unit = normalise(direction)
  if (unit === undefined) return ''
  return unit
    .map((value, axis) => ({ letter: AXES[axis]?.[value > 0 ? 0 : 1] ?? '', size: Math.abs(value) }))
    .filter(({ size }) => size > 0.26)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join('')
}

const OPPOSITE: Readonly<Record<string, string>> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' }

/** The opposite of a Patient Orientation value such as `AF`. */
export function oppositeLetters(letters: string): string {
  return Array.from(letters, (letter) => OPPOSITE[letter] ?? '').join('')
}

export type PlaneName = 'axial' | 'coronal' | 'sagittal' | 'oblique'

export function planeName(normal: Vec3): PlaneName {
  const sizes = normal.map(Math.abs)
  const largest = Math.max(...sizes)
  if (largest < 0.8) return 'oblique'
  return (['sagittal', 'coronal', 'axial'] as const)[sizes.indexOf(largest)] ?? 'oblique'
}

/** True when two planes can be scrolled together: the same frame of reference and nearly the same direction. */
export function areParallel(a: Plane, b: Plane): boolean {
  return a.frameOfReference !== '' && a.frameOfReference === b.frameOfReference && Math.abs(dot(a.normal, b.normal)) > 0.95
}

/** Index of the plane that lies nearest to a point, measured along the planes' own normal. */
export function nearestPlane(planes: readonly (Plane | undefined)[], point: Vec3): number | undefined {
  let best: number | undefined
  let bestDistance = Infinity
  planes.forEach((plane, index) => {
    if (plane === undefined) return
    const distance = Math.abs(dot(subtract(point, plane.origin), plane.normal))
    if (distance < bestDistance - 1e-6) [best, bestDistance] = [index, distance]
  })
  return best
}

/**
 * The segment in which the rectangle of `cut` crosses the plane of `screen`, in patient coordinates: what a reference
 * line shows. Nothing when the two are nearly parallel, do not meet, or lie in different frames of reference.
 */
export function crossingLine(screen: Plane, cut: Plane): readonly [Vec3, Vec3] | undefined {
  if (screen.frameOfReference === '' || screen.frameOfReference !== cut.frameOfReference) return undefined
  if (Math.abs(dot(screen.normal, cut.normal)) > 0.985) return undefined
  const [rows, columns] = cut.size
  const corners = [
    [-0.5, -0.5],
    [columns - 0.5, -0.5],
    [columns - 0.5, rows - 0.5],
    [-0.5, rows - 0.5],
  ].map(([x = 0, y = 0]) => pixelToPatient(cut, [x, y]))
  const heights = corners.map((corner) => dot(subtract(corner, screen.origin), screen.normal))
  const meets: Vec3[] = []
  corners.forEach((from, index) => {
    const to = corners[(index + 1) % 4]
    const [a, b] = [heights[index] ?? 0, heights[(index + 1) % 4] ?? 0]
    if (to !== undefined && a < 0 !== b < 0) meets.push(add(from, scale(subtract(to, from), a / (a - b))))
  })
  const [start, end] = meets
  return start !== undefined && end !== undefined ? [start, end] : undefined
}

/**
 * Letters for a direction given in pixels of the frame (x along a row, y along a column): from direction cosines where the
 * object has them, from Patient Orientation on a plain film, and none at all when the object states neither.
 */
export function edgeLetters(attributes: Attributes, [dx, dy]: Point2): string {
  const orientation = orientationOf(attributes)
  if (orientation !== undefined) return directionLetters(add(scale(orientation.row, dx), scale(orientation.column, dy)))
  const [rows = '', columns = ''] = attributes.texts('PatientOrientation')
  const along = Math.abs(dx) >= Math.abs(dy) ? { letters: rows, sign: dx } : { letters: columns, sign: dy }
  return along.sign >= 0 ? Array.from(along.letters).filter((letter) => letter in OPPOSITE).join('') : oppositeLetters(along.letters)
}
