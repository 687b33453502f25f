import { describe, expect, it } from 'vitest'
import { Attributes, type DataSet } from '@/dicom/attributes'
import { angleOf, calibrationAt, formatLength, frameCalibration, lengthOf } from '@/dicom/calibration'
import { formatValue, valueUnit } from '@/dicom/units'

const of = (set: DataSet): Attributes => new Attributes([set])
const spacing = (values: number[]): DataSet => ({ '00280030': { vr: 'DS', Value: values } })
const detector = (values: number[]): DataSet => ({ '00181164': { vr: 'DS', Value: values } })
const modality = (value: string): DataSet => ({ '00080060': { vr: 'CS', Value: [value] } })

describe('guard 11: a length says where its unit comes from', () => {
  it('slices: Pixel Spacing', () => expect(frameCalibration(of({ ...spacing([0.5, 0.5]), ...modality('CT') }))).toMatchObject({ unit: 'mm', basis: 'spacing' }))
  it('plain film: at the detector', () => expect(frameCalibration(of({ ...detector([0.2, 0.2]), ...modality('DX') }))).toMatchObject({ unit: 'mm', basis: 'detector', spacing: [0.2, 0.2] }))
  it('plain film with an estimated magnification', () => {
    const film = of({ ...detector([0.2, 0.2]), ...modality('MG'), '00181114': { vr: 'DS', Value: [1.25] } })
    expect(frameCalibration(film)).toMatchObject({ basis: 'magnification', spacing: [0.16, 0.16] })
  })
  it('plain film whose spacing only repeats the detector’s', () => {
    expect(frameCalibration(of({ ...spacing([0.2, 0.2]), ...detector([0.2, 0.2]), ...modality('CR') })).basis).toBe('detector')
  })
  it('plain film that was calibrated', () => {
    const film = { ...spacing([0.15, 0.15]), ...detector([0.2, 0.2]), ...modality('DX') }
    expect(frameCalibration(of({ ...film, '00280A02': { vr: 'CS', Value: ['FIDUCIAL'] } })).basis).toBe('fiducial')
    expect(frameCalibration(of({ ...film, '00280A02': { vr: 'CS', Value: ['GEOMETRY'] } })).basis).toBe('geometry')
    expect(frameCalibration(of(film)).basis).toBe('unstated')
  })
  it('nothing stated: pixels, in their true shape', () => {
    const picture = of({ '00280034': { vr: 'IS', Value: [2, 1] } })
    expect(frameCalibration(picture)).toEqual({ spacing: [2, 1], unit: 'px', basis: 'none' })
  })
})

describe('ultrasound regions', () => {
  const region = (x0: number, x1: number, units: number, delta: number): DataSet => ({
    '00186018': { vr: 'UL', Value: [x0] },
    '0018601A': { vr: 'UL', Value: [0] },
    '0018601C': { vr: 'UL', Value: [x1] },
    '0018601E': { vr: 'UL', Value: [99] },
    '00186024': { vr: 'US', Value: [units] },
    '00186026': { vr: 'US', Value: [3] },
    '0018602C': { vr: 'FD', Value: [delta] },
    '0018602E': { vr: 'FD', Value: [-delta] },
  })
  const picture = of({ '00186011': { vr: 'SQ', Value: [region(0, 99, 3, 0.05), region(100, 199, 4, 0.01), region(200, 299, 3, 0.1)] } })
  it('turn centimetres into millimetres', () => {
    const calibration = calibrationAt(picture, [
      [10, 10],
      [20, 10],
    ])
    expect(calibration).toEqual({ spacing: [0.5, 0.5], unit: 'mm', basis: 'region' })
    expect(lengthOf([[10, 10], [20, 10]], calibration)).toBeCloseTo(5, 9)
  })
  it('give no millimetres in a trace, across regions, or outside', () => {
    for (const points of [[[110, 5], [150, 5]], [[10, 5], [250, 5]], [[10, 5], [10, 500]]] as const) expect(calibrationAt(picture, points)).toMatchObject({ unit: 'px', basis: 'outsideRegion' })
  })
})

describe('geometry on pixels that are not square', () => {
  const calibration = { spacing: [2, 1], unit: 'mm', basis: 'spacing' } as const
  it('measures lengths', () => expect(lengthOf([[0, 0], [3, 2]], calibration)).toBe(5))
  it('measures angles', () => {
    expect(angleOf([[1, 0], [0, 0], [0, 1]], calibration)).toBeCloseTo(90, 9)
    expect(angleOf([[2, 0], [0, 0], [2, 1]], calibration)).toBeCloseTo(45, 9)
    expect(angleOf([[0, 0], [0, 0], [2, 1]], calibration)).toBeUndefined()
  })
  it('prints no more digits than the pixel carries', () => {
    expect(formatLength(12.3456, calibration)).toBe('12.3')
    expect(formatLength(12.3456, { spacing: [0.05, 0.05], unit: 'mm', basis: 'detector' })).toBe('12.35')
    expect(formatLength(12.6, { spacing: [1, 1], unit: 'px', basis: 'none' })).toBe('13')
  })
})

describe('guard 11: HU only where the object says or defines it', () => {
  const ct: DataSet = { ...modality('CT'), '00281052': { vr: 'DS', Value: [-1024] }, '00281053': { vr: 'DS', Value: [1] } }
  const ctImage: DataSet = { ...ct, '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] } }
  it('by Rescale Type', () => expect(valueUnit(of({ ...ct, '00281054': { vr: 'LO', Value: ['HU'] } }))).toBe('HU'))
  it('by the CT image IOD', () => expect(valueUnit(of(ctImage))).toBe('HU'))
  it('not by modality alone', () => expect(valueUnit(of(ct))).toBe(''))
  it('not for a localizer, nor without a rescale', () => {
    expect(valueUnit(of({ ...ctImage, '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] } }))).toBe('')
    expect(valueUnit(of({ ...modality('CT'), '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] } }))).toBe('')
  })
  it('unspecified is unspecified', () => expect(valueUnit(of({ ...ctImage, '00281054': { vr: 'LO', Value: ['US'] } }))).toBe(''))
  it('PET by its units', () => expect(valueUnit(of({ ...modality('PT'), '00541001': { vr: 'CS', Value: ['BQML'] } }))).toBe('Bq/ml'))
  it('digits follow the slope', () => {
    expect(formatValue(37, 1)).toBe('37')
    expect(formatValue(1.234567, 0.01)).toBe('1.235')
  })
})
