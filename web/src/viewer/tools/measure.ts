import { type MarkKind, type MeasuredValue, type Quantity } from '@/api/marks'
import { angleOf, calibrationAt, formatLength, lengthOf, type Basis, type Calibration } from '@/dicom/calibration'
import { patientToPixel, type Point2, type Vec3 } from '@/dicom/geometry'
import { ellipse, rectangle, statisticsOf, type Region } from '@/dicom/roi'
import { type Frame } from '@/dicom/series'
import { formatValue, ucumOf, valueUnit } from '@/dicom/units'
import { frameOf, pictureOfFrame } from '../pixels/imageloader'
import { type Picture } from '../pixels/picture'

/** The words beside a measurement, in the reader's language. */
export interface MeasureWords {
  basis: (basis: Basis) => string
  /** Mean and deviation, least and most: of values that are printed already. */
  spread: (mean: string, deviation: string, unit: string) => string
  range: (least: string, most: string) => string
}

let words: MeasureWords = { basis: () => '', spread: () => '', range: () => '' }

export function setMeasureWords(next: MeasureWords): void {
  words = next
}

export interface MeasuredData {
  handles: { points: readonly (readonly number[])[] }
}

const TARGET = /^imageId:/

export const frameOfTarget = (targetId: string): Frame | undefined => frameOf(targetId.replace(TARGET, ''))

export const pixelsOf = (frame: Frame, data: MeasuredData): Point2[] =>
  data.handles.points.map((point) => patientToPixel(frame.sheet, point as unknown as Vec3))

export interface Measurement {
  kind: MarkKind
  /** As printed first: number and unit. */
  text: string
  value: number
  unit: string
  basis: Basis
  /** What is printed beside the mark, line by line. */
  lines: string[]
  /** What is kept. */
  values: MeasuredValue[]
}

interface Found {
  name: Quantity
  value: number
  text: string
  unit: string
}

const sizeUnit = (calibration: Calibration, power: 1 | 2): string => `${calibration.unit}${power === 2 ? '2' : ''}`

function size(name: Quantity, value: number, calibration: Calibration): Found {
  return { name, value, text: `${formatLength(value, calibration)} ${calibration.unit}`, unit: sizeUnit(calibration, 1) }
}

function area(value: number, calibration: Calibration): Found {
  const digits = calibration.unit === 'px' ? 0 : value >= 100 ? 0 : 1
  return { name: 'area', value, text: `${value.toFixed(digits)} ${calibration.unit}²`, unit: sizeUnit(calibration, 2) }
}

function angle(value: number | undefined): Found[] {
  return value === undefined ? [] : [{ name: 'angle', value, text: `${value.toFixed(1)}°`, unit: 'deg' }]
}

type Four = readonly [Point2, Point2, Point2, Point2]

/** Two lines meet at an angle even when they do not cross: the second is moved to where the first begins. */
function betweenLines([a, b, c, d]: Four, calibration: Calibration): number | undefined {
  return angleOf([a, b, [b[0] + c[0] - d[0], b[1] + c[1] - d[1]]], calibration)
}

function axes([a, b, c, d]: Four, calibration: Calibration): readonly [number, number] {
  const sizes = [lengthOf([a, b], calibration), lengthOf([c, d], calibration)].sort((x, y) => y - x)
  return [sizes[0] ?? 0, sizes[1] ?? 0]
}

/** A circle on the screen of millimetres is an ellipse of pixels that are not square. */
function circleEnds([centre, edge]: readonly [Point2, Point2], calibration: Calibration): Four {
  const radius = lengthOf([centre, edge], calibration)
  const [dx, dy] = [radius / calibration.spacing[1], radius / calibration.spacing[0]]
  return [
    [centre[0] - dx, centre[1]],
    [centre[0] + dx, centre[1]],
    [centre[0], centre[1] - dy],
    [centre[0], centre[1] + dy],
  ]
}

/** What follows from the points alone, the figure that is read first in front. */
function quantitiesOf(kind: MarkKind, points: readonly Point2[], calibration: Calibration): Found[] {
  const [a, b, c, d] = points
  if (a === undefined || b === undefined) return []
  if (kind === 'length') return [size('length', lengthOf([a, b], calibration), calibration)]
  if (kind === 'circle') {
    const radius = lengthOf([a, b], calibration)
    return [area(Math.PI * radius ** 2, calibration), size('long_axis', 2 * radius, calibration)]
  }
  if (kind === 'rectangle') {
    const [width, height] = [lengthOf([a, [b[0], a[1]]], calibration), lengthOf([a, [a[0], b[1]]], calibration)]
    return [area(width * height, calibration), size('perimeter', 2 * (width + height), calibration)]
  }
  if (c === undefined) return []
  if (kind === 'angle') return angle(angleOf([a, b, c], calibration))
  if (d === undefined) return []
  if (kind === 'cobb') return angle(betweenLines([a, b, c, d], calibration))
  const [long, short] = axes([a, b, c, d], calibration)
  const both = [size('long_axis', long, calibration), size('short_axis', short, calibration)]
  return kind === 'ellipse' ? [area((Math.PI * long * short) / 4, calibration), ...both] : kind === 'bidirectional' ? both : []
}

function regionOf(kind: MarkKind, points: readonly Point2[], calibration: Calibration): Region | undefined {
  const [a, b, c, d] = points
  if (a === undefined || b === undefined) return undefined
  if (kind === 'rectangle') return rectangle([a, b])
  if (kind === 'circle') return ellipse(circleEnds([a, b], calibration))
  return kind === 'ellipse' && c !== undefined && d !== undefined ? ellipse([a, b, c, d]) : undefined
}

/** Guard 11: no statistics of pixels that are coloured, or are not all there. */
function statistics(kind: MarkKind, frame: Frame, points: readonly Point2[], calibration: Calibration): { values: MeasuredValue[]; lines: string[] } {
  const picture: Picture | undefined = pictureOfFrame(frame)
  const region = regionOf(kind, points, calibration)
  if (picture === undefined || region === undefined || picture.colour) return { values: [], lines: [] }
  const found = statisticsOf(region, picture)
  if (found === undefined) return { values: [], lines: [] }
  const shown = picture.rescale.lut === undefined ? valueUnit(frame.attributes) : ''
  const print = (value: number): string => formatValue(value, picture.rescale.slope)
  const unit = ucumOf(shown)
  const values = (['mean', 'deviation', 'least', 'most'] as const).map((name): MeasuredValue => ({ name, value: found[name], unit, basis: '' }))
  const fine = (value: number): string => value.toFixed(Math.abs(value) >= 100 ? 0 : 1)
  return { values, lines: [words.spread(fine(found.mean), fine(found.deviation), shown), words.range(print(found.least), print(found.most))] }
}

/** What a mark of this kind with these points says about the frame; nothing while it is still being drawn. */
export function measure(kind: MarkKind, frame: Frame, points: readonly Point2[]): Measurement | undefined {
  const calibration = calibrationAt(frame.attributes, points)
  const found = quantitiesOf(kind, points, calibration)
  const [first] = found
  if (first === undefined) return undefined
  const isAngle = first.unit === 'deg'
  const seen = statistics(kind, frame, points, calibration)
  const basis = isAngle ? '' : words.basis(calibration.basis)
  // Of a region the diameters are kept and not printed: it is read for its area and its values.
  const printed = kind === 'bidirectional' ? found : [first]
  return {
    kind,
    text: first.text,
    value: first.value,
    unit: isAngle ? '°' : first.unit,
    basis: calibration.basis,
    lines: [printed.map(({ text }) => text).join(' × '), ...seen.lines, ...(basis === '' ? [] : [basis])],
    values: [...found.map(({ name, value, unit }): MeasuredValue => ({ name, value, unit, basis: isAngle ? '' : calibration.basis })), ...seen.values],
  }
}
