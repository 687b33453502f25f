import { describe, expect, it } from 'vitest'
import { cross, dot, pixelToPatient, type Plane } from '@/dicom/geometry'
import { axesOf, cameraOf, canvasToPixel, fitScale, keepInSight, patientToCanvas, snapCentre, type Presentation } from '@/viewer/viewport/camera'

const plane: Plane = {
  origin: [-100, -100, 30],
  row: [1, 0, 0],
  column: [0, 1, 0],
  normal: [0, 0, 1],
  spacing: [0.5, 0.5],
  size: [400, 400],
  frameOfReference: '1.2',
}
const upright: Presentation = { centre: [199.5, 199.5], scale: 2, rotation: 0, flipHorizontal: false, flipVertical: false }
const SIZE = [800, 600] as const

describe('camera', () => {
  it('looks at the picture with its first row up', () => {
    const camera = cameraOf(plane, upright, SIZE)
    expect(camera.viewUp).toEqual([-0, -1, -0])
    expect(camera.viewPlaneNormal[2]).toBe(-1)
    expect(camera.parallelScale).toBe(150)
  })
  it('always has the screen’s right, up and towards the eye as a right-handed system', () => {
    for (const rotation of [0, 90, 180, 270]) {
      for (const flipHorizontal of [false, true]) {
        for (const flipVertical of [false, true]) {
          const presentation = { ...upright, rotation, flipHorizontal, flipVertical }
          const { viewUp, viewPlaneNormal } = cameraOf(plane, presentation, SIZE)
          expect(dot(cross(axesOf(plane, presentation).right, viewUp), viewPlaneNormal)).toBeCloseTo(1, 9)
        }
      }
    }
  })
  it('turns clockwise: what was left is up', () => {
    const { down } = axesOf(plane, { ...upright, rotation: 90 })
    expect(down[0]).toBeCloseTo(1, 9)
    expect(down[1]).toBeCloseTo(0, 9)
  })
  it('mirrors before it turns, so that a turn is clockwise on a mirrored picture too', () => {
    const { right, down } = axesOf(plane, { ...upright, flipHorizontal: true, rotation: 90 })
    expect(right[1]).toBeCloseTo(-1, 9)
    expect(down[0]).toBeCloseTo(-1, 9)
  })
})

describe('points', () => {
  it('go from the screen to the picture and back, in every position', () => {
    for (const rotation of [0, 90, 180, 270]) {
      for (const flipHorizontal of [false, true]) {
        const presentation = { ...upright, rotation, flipHorizontal }
        const pixel = canvasToPixel(plane, presentation, SIZE, [123, 456])
        const [x, y] = patientToCanvas(plane, presentation, SIZE, pixelToPatient(plane, pixel))
        expect(x).toBeCloseTo(123, 6)
        expect(y).toBeCloseTo(456, 6)
      }
    }
  })
})

describe('scale', () => {
  it('fits the longer side, also when turned', () => {
    const wide = { ...plane, size: [100, 400] as const }
    expect(fitScale(wide, 0, SIZE)).toBe(4)
    expect(fitScale(wide, 90, SIZE)).toBe(3)
  })
  it('puts pixel centres on screen pixel centres at 1:1', () => {
    for (const size of [[800, 600], [801, 601], [800, 601]] as const) {
      for (const rotation of [0, 90]) {
        const centre = snapCentre([199.7, 203.2], rotation, size, 1)
        const [x, y] = patientToCanvas(plane, { ...upright, rotation, centre, scale: 2 }, size, pixelToPatient(plane, [10, 20]))
        expect(((x % 1) + 1) % 1).toBeCloseTo(0.5, 6)
        expect(((y % 1) + 1) % 1).toBeCloseTo(0.5, 6)
      }
    }
  })
  it('keeps the picture in sight', () => expect(keepInSight(plane, [-50, 900])).toEqual([0, 399]))
})
