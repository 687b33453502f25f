import { type Attributes } from './attributes'
import { type Point2 } from './geometry'

/** Where the size of a pixel comes from; printed beside every length. */
export type Basis =
  | 'spacing'
  | 'geometry'
  | 'fiducial'
  | 'unstated'
  | 'detector'
  | 'magnification'
  | 'scanner'
  | 'region'
  | 'outsideRegion'
  | 'none'

export interface Calibration {
  /** Size of a pixel between rows, then between columns, in `unit`. */
  spacing: Point2
  unit: 'mm' | 'px'
  basis: Basis
}

const PROJECTION = new Set(['CR', 'DX', 'MG', 'XA', 'RF', 'IO', 'PX', 'DR', 'RG', 'RTIMAGE'])

function pair(values: readonly number[]): Point2 | undefined {
  const [first, second = first] = values
  return first !== undefined && second !== undefined && first > 0 && second > 0 ? [first, second] : undefined
}

/** Shape of a pixel when its size is unknown. */
export function aspectOf(attributes: Attributes): Point2 {
  const ratio = attributes.values('PixelAspectRatio').map(Number)
  const [vertical = 1, horizontal = 1] = ratio
  return ratio.length === 2 && vertical > 0 && horizontal > 0 ? [vertical / horizontal, 1] : [1, 1]
}

/** The size of a pixel in the whole frame (PS3.3 10.7.1.3), ultrasound regions apart. */
export function frameCalibration(attributes: Attributes): Calibration {
  const spacing = pair(attributes.numbers('PixelSpacing'))
  const detector = pair(attributes.numbers('ImagerPixelSpacing'))
  const projection = PROJECTION.has(attributes.text('Modality'))
  if (spacing !== undefined && !projection) return { spacing, unit: 'mm', basis: 'spacing' }
  if (spacing !== undefined) {
    const type = attributes.text('PixelSpacingCalibrationType').toUpperCase()
    if (type === 'GEOMETRY') return { spacing, unit: 'mm', basis: 'geometry' }
    if (type === 'FIDUCIAL') return { spacing, unit: 'mm', basis: 'fiducial' }
    if (detector === undefined) return { spacing, unit: 'mm', basis: 'unstated' }
    const differs = spacing.some((value, index) => Math.abs(value - (detector[index] ?? 0)) > 1e-4 * value)
    if (differs) return { spacing, unit: 'mm', basis: 'unstated' }
  }
  if (detector !== undefined) return atDetector(detector, attributes)
  const scanned = pair(attributes.numbers('NominalScannedPixelSpacing'))
  if (scanned !== undefined) return { spacing: scanned, unit: 'mm', basis: 'scanner' }
  return { spacing: aspectOf(attributes), unit: 'px', basis: 'none' }
}

function atDetector(detector: Point2, attributes: Attributes): Calibration {
  const magnification = attributes.number('EstimatedRadiographicMagnificationFactor') ?? 0
  if (magnification < 1) return { spacing: detector, unit: 'mm', basis: 'detector' }
  return { spacing: [detector[0] / magnification, detector[1] / magnification], unit: 'mm', basis: 'magnification' }
}

/** Code of centimetres in Physical Units X/Y Direction (PS3.3 C.8.5.5.1.15). */
const CENTIMETRES = 3

interface Region {
  contains: (point: Point2) => boolean
  calibration: Calibration | undefined
}

function regionsOf(attributes: Attributes): Region[] {
  return attributes.items('SequenceOfUltrasoundRegions').map((item) => {
    const [x0, y0, x1, y1] = (['RegionLocationMinX0', 'RegionLocationMinY0', 'RegionLocationMaxX1', 'RegionLocationMaxY1'] as const).map(
      (keyword) => item.number(keyword),
    )
    const isLength = item.number('PhysicalUnitsXDirection') === CENTIMETRES && item.number('PhysicalUnitsYDirection') === CENTIMETRES
    const size = pair([Math.abs(item.number('PhysicalDeltaY') ?? 0) * 10, Math.abs(item.number('PhysicalDeltaX') ?? 0) * 10])
    return {
      contains: ([x, y]) => x0 !== undefined && y0 !== undefined && x >= x0 && y >= y0 && x <= (x1 ?? -1) && y <= (y1 ?? -1),
      calibration: isLength && size !== undefined ? { spacing: size, unit: 'mm', basis: 'region' } : undefined,
    }
  })
}

const sameSize = (a: Calibration, b: Calibration): boolean => a.spacing.every((value, index) => Math.abs(value - (b.spacing[index] ?? 0)) <= 1e-6 * value)

/**
 * The calibration that holds for these points together. In ultrasound all of them must lie in regions of one and the same
 * scale in both directions: a length across two regions, or in a Doppler trace, has no millimetres.
 */
export function calibrationAt(attributes: Attributes, points: readonly Point2[]): Calibration {
  const regions = regionsOf(attributes)
  if (regions.length === 0) return frameCalibration(attributes)
  const scales = regions.filter((region) => points.every((point) => region.contains(point))).map((region) => region.calibration)
  const [first] = scales
  const isCertain = first !== undefined && scales.every((other) => other !== undefined && sameSize(first, other))
  return isCertain ? first : { spacing: aspectOf(attributes), unit: 'px', basis: 'outsideRegion' }
}

/** Length of a line drawn on pixels. */
export function lengthOf([from, to]: readonly [Point2, Point2], { spacing }: Calibration): number {
  return Math.hypot((to[0] - from[0]) * spacing[1], (to[1] - from[1]) * spacing[0])
}

/** Angle at the middle point in degrees, in the pixel's true shape. */
export function angleOf([from, at, to]: readonly [Point2, Point2, Point2], { spacing }: Calibration): number | undefined {
  const side = (point: Point2): Point2 => [(point[0] - at[0]) * spacing[1], (point[1] - at[1]) * spacing[0]]
  const [a, b] = [side(from), side(to)]
  const sizes = Math.hypot(...a) * Math.hypot(...b)
  if (sizes === 0) return undefined
  return (Math.acos(Math.min(1, Math.max(-1, (a[0] * b[0] + a[1] * b[1]) / sizes))) * 180) / Math.PI
}

/** A length with no more digits than the pixel's size can carry. */
export function formatLength(value: number, { spacing, unit }: Calibration): string {
  const finest = Math.min(...spacing)
  return value.toFixed(unit === 'px' ? 0 : finest >= 0.1 ? 1 : 2)
}
