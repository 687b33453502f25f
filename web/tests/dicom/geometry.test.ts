import { describe, expect, it } from 'vitest'
import { Attributes } from '@/dicom/attributes'
import {
  areParallel,
  crossingLine,
  directionLetters,
  edgeLetters,
  nearestPlane,
  patientToPixel,
  pixelToPatient,
  planeName,
  planeOf,
  type Plane,
} from '@/dicom/geometry'

const attributes = (iop: number[], ipp: number[], extra: object = {}): Attributes =>
  new Attributes([
    {
      '00200037': { vr: 'DS', Value: iop },
      '00200032': { vr: 'DS', Value: ipp },
      '00280030': { vr: 'DS', Value: [0.5, 0.4] },
      '00280010': { vr: 'US', Value: [100] },
      '00280011': { vr: 'US', Value: [200] },
      '00200052': { vr: 'UI', Value: ['1.2.3'] },
      ...extra,
    },
  ])

const plane = (iop: number[], ipp: number[]): Plane => {
  const made = planeOf(attributes(iop, ipp))
  if (made === undefined) throw new Error('no plane')
  return made
}
const AXIAL = [1, 0, 0, 0, 1, 0]
const SAGITTAL = [0, 1, 0, 0, 0, -1]

describe('planes', () => {
  it('needs position, orientation and spacing', () => {
    expect(planeOf(new Attributes([{}]))).toBeUndefined()
    expect(planeOf(attributes([1, 0, 0, 1, 0, 0], [0, 0, 0]))).toBeUndefined()
  })
  it('goes from pixels to the patient and back', () => {
    const oblique = plane([0.8, 0.6, 0, 0, 0, -1], [10, 20, 30])
    const point = pixelToPatient(oblique, [12.5, 7])
    expect(point).toEqual([10 + 12.5 * 0.4 * 0.8, 20 + 12.5 * 0.4 * 0.6, 30 - 3.5])
    const [x, y] = patientToPixel(oblique, point)
    expect(x).toBeCloseTo(12.5, 9)
    expect(y).toBeCloseTo(7, 9)
  })
  it('names them', () => {
    expect(planeName(plane(AXIAL, [0, 0, 0]).normal)).toBe('axial')
    expect(planeName(plane(SAGITTAL, [0, 0, 0]).normal)).toBe('sagittal')
    expect(planeName([0.6, 0.6, 0.53])).toBe('oblique')
  })
})

describe('letters', () => {
  it('are those of the standard', () => {
    expect(directionLetters([1, 0, 0])).toBe('L')
    expect(directionLetters([-1, 0, 0])).toBe('R')
    expect(directionLetters([0, 1, 0])).toBe('P')
    expect(directionLetters([0, 0, 1])).toBe('H')
    expect(directionLetters([0, -0.8, -0.6])).toBe('AF')
    expect(directionLetters([0, 0, 0])).toBe('')
  })
  it('guard 8: an object that states no orientation gets none', () => {
    expect(edgeLetters(new Attributes([{}]), [1, 0])).toBe('')
    expect(edgeLetters(new Attributes([{ '00200037': { vr: 'DS', Value: [] } }]), [0, 1])).toBe('')
  })
  it('come from Patient Orientation on a plain film', () => {
    const film = new Attributes([{ '00200020': { vr: 'CS', Value: ['L', 'FR'] } }])
    expect(edgeLetters(film, [1, 0])).toBe('L')
    expect(edgeLetters(film, [-1, 0])).toBe('R')
    expect(edgeLetters(film, [0, 1])).toBe('FR')
    expect(edgeLetters(film, [0, -1])).toBe('HL')
  })
  it('follow a turn of the picture', () => {
    const of = attributes(AXIAL, [0, 0, 0])
    expect(edgeLetters(of, [0, -1])).toBe('A')
    expect(edgeLetters(of, [-1, 0])).toBe('R')
  })
})

describe('links', () => {
  const stack = [0, 5, 10, 15].map((z) => plane(AXIAL, [0, 0, z]))
  it('finds the nearest slice', () => expect(nearestPlane(stack, [99, -20, 11])).toBe(2))
  it('leaves out frames without a place', () => expect(nearestPlane([undefined, ...stack], [0, 0, 0])).toBe(1))
  it('links only what is parallel in one frame of reference', () => {
    expect(areParallel(plane(AXIAL, [0, 0, 0]), plane(AXIAL, [0, 0, 50]))).toBe(true)
    expect(areParallel(plane(AXIAL, [0, 0, 0]), plane(SAGITTAL, [0, 0, 0]))).toBe(false)
    expect(areParallel(plane(AXIAL, [0, 0, 0]), { ...plane(AXIAL, [0, 0, 0]), frameOfReference: '9.9' })).toBe(false)
    expect(areParallel({ ...plane(AXIAL, [0, 0, 0]), frameOfReference: '' }, { ...plane(AXIAL, [0, 0, 0]), frameOfReference: '' })).toBe(false)
  })
})

describe('reference lines', () => {
  it('lie where the planes cross', () => {
    const screen = plane(SAGITTAL, [40, 0, 50])
    const line = crossingLine(screen, plane(AXIAL, [0, 0, 20]))
    expect(line).toBeDefined()
    for (const [x, , z] of line ?? []) {
      expect(x).toBeCloseTo(40, 6)
      expect(z).toBeCloseTo(20, 6)
    }
    const ends = (line ?? []).map((point) => point[1]).sort((a, b) => a - b)
    expect(ends[0]).toBeCloseTo(-0.25, 6)
    expect(ends[1]).toBeCloseTo(49.75, 6)
  })
  it('are not drawn for parallel planes, planes that do not meet, or other frames of reference', () => {
    const axial = plane(AXIAL, [0, 0, 20])
    expect(crossingLine(axial, plane(AXIAL, [0, 0, 30]))).toBeUndefined()
    expect(crossingLine(plane(SAGITTAL, [400, 0, 50]), axial)).toBeUndefined()
    expect(crossingLine({ ...plane(SAGITTAL, [40, 0, 50]), frameOfReference: '9' }, axial)).toBeUndefined()
  })
})
