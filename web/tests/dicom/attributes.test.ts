import { describe, expect, it } from 'vitest'
import { Attributes } from '@/dicom/attributes'
import { frameAttributes, frameOrder } from '@/dicom/frames'

describe('Attributes', () => {
  const of = new Attributes([
    { '00280010': { vr: 'US', Value: [4] }, '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] } },
    { '00280010': { vr: 'US', Value: [9] }, '00280030': { vr: 'DS', Value: ['0.5', ' 0.25 '] }, '00281050': { vr: 'DS', Value: ['40', 'x'] } },
  ])

  it('takes the first layer that has the attribute', () => expect(of.number('Rows')).toBe(4))
  it('reads numbers that were sent as text', () => expect(of.numbers('PixelSpacing')).toEqual([0.5, 0.25]))
  it('gives no vector when one of its values is no number', () => expect(of.numbers('WindowCenter')).toEqual([]))
  it('puts the groups of a name together again', () => expect(of.text('PatientName')).toBe('Yamada^Tarou=山田^太郎'))
  it('knows absence', () => {
    expect(of.has('Columns')).toBe(false)
    expect(of.text('Columns')).toBe('')
    expect(of.number('Columns')).toBeUndefined()
  })
})

describe('functional groups', () => {
  const plane = (z: number): object => ({ '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: [0, 0, z] } }] } })
  const index = (...values: number[]): object => ({ '00209111': { vr: 'SQ', Value: [{ '00209157': { vr: 'UL', Value: values } }] } })
  const references = { '00089124': { vr: 'SQ', Value: [{ '00280010': { vr: 'US', Value: [999] } }] } }
  const instance = new Attributes([
    {
      '00280010': { vr: 'US', Value: [64] },
      '52009229': { vr: 'SQ', Value: [{ '00289110': { vr: 'SQ', Value: [{ '00280030': { vr: 'DS', Value: [2, 3] } }] } }] },
      '52009230': {
        vr: 'SQ',
        Value: [
          { ...plane(10), ...index(1, 2), ...references },
          { ...plane(5), ...index(1, 1) },
        ],
      },
    },
  ])

  it('lays the frame over the shared groups over the object', () => {
    const second = frameAttributes(instance, 1)
    expect(second.numbers('ImagePositionPatient')).toEqual([0, 0, 5])
    expect(second.numbers('PixelSpacing')).toEqual([2, 3])
    expect(second.number('Rows')).toBe(64)
  })
  it('does not take attributes of referenced objects for its own', () => expect(frameAttributes(instance, 0).number('Rows')).toBe(64))
  it('orders by dimension index values', () => expect(frameOrder(instance, 2)).toEqual([1, 0]))
  it('keeps the encoded order when frames are missing their index', () => expect(frameOrder(instance, 3)).toEqual([0, 1, 2]))
})
