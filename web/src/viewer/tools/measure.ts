import { angleOf, calibrationAt, formatLength, lengthOf, type Basis } from '@/dicom/calibration'
import { patientToPixel, type Point2, type Vec3 } from '@/dicom/geometry'
import { type Frame } from '@/dicom/series'
import { frameOf } from '../pixels/imageloader'

/** The words beside a measurement, in the reader's language. */
export interface MeasureWords {
  basis: (basis: Basis) => string
}

let words: MeasureWords = { basis: () => '' }

export function setMeasureWords(next: MeasureWords): void {
  words = next
}

export interface MeasuredData {
  handles: { points: readonly (readonly number[])[] }
}

const TARGET = /^imageId:/

export const frameOfTarget = (targetId: string): Frame | undefined => frameOf(targetId.replace(TARGET, ''))

function pixelsOf(frame: Frame, data: MeasuredData): Point2[] {
  return data.handles.points.map((point) => patientToPixel(frame.sheet, point as unknown as Vec3))
}

export interface Measurement {
  kind: 'length' | 'angle'
  /** As printed: number and unit. */
  text: string
  value: number
  unit: 'mm' | 'px' | '°'
  basis: Basis
}

export function measureLength(frame: Frame, data: MeasuredData): Measurement | undefined {
  const [from, to] = pixelsOf(frame, data)
  if (from === undefined || to === undefined) return undefined
  const calibration = calibrationAt(frame.attributes, [from, to])
  const value = lengthOf([from, to], calibration)
  return { kind: 'length', text: `${formatLength(value, calibration)} ${calibration.unit}`, value, unit: calibration.unit, basis: calibration.basis }
}

export function measureAngle(frame: Frame, data: MeasuredData): Measurement | undefined {
  const [from, at, to] = pixelsOf(frame, data)
  if (from === undefined || at === undefined || to === undefined) return undefined
  const calibration = calibrationAt(frame.attributes, [from, at, to])
  const value = angleOf([from, at, to], calibration)
  return value === undefined ? undefined : { kind: 'angle', text: `${value.toFixed(1)}°`, value, unit: '°', basis: calibration.basis }
}

/** Value and basis, as the drawing library prints them beside the line. */
export function lengthLines(data: MeasuredData, targetId: string): string[] {
  const frame = frameOfTarget(targetId)
  const measured = frame === undefined ? undefined : measureLength(frame, data)
  if (measured === undefined) return []
  const basis = words.basis(measured.basis)
  return basis === '' ? [measured.text] : [measured.text, basis]
}

export function angleLines(data: MeasuredData, targetId: string): string[] {
  const frame = frameOfTarget(targetId)
  const measured = frame === undefined ? undefined : measureAngle(frame, data)
  return measured === undefined ? [] : [measured.text]
}
