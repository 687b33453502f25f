import { describe, expect, it } from 'vitest'
import { Attributes, type DataSet } from '@/dicom/attributes'
import { frameAt, scheduleOf } from '@/dicom/cine'

const of = (set: DataSet): Attributes => new Attributes([set])
const recommended: DataSet = { '00082144': { vr: 'IS', Value: [25] } }
const cineRate: DataSet = { '00180040': { vr: 'IS', Value: [30] } }
const frameTime: DataSet = { '00181063': { vr: 'DS', Value: ['50'] } }

describe('rate', () => {
  it('is the recommended one, then the cine rate, then the frame time', () => {
    expect(scheduleOf(of({ ...recommended, ...cineRate, ...frameTime }), 10)).toMatchObject({ rate: 25, basis: 'RecommendedDisplayFrameRate' })
    expect(scheduleOf(of({ ...cineRate, ...frameTime }), 10)).toMatchObject({ rate: 30, basis: 'CineRate' })
    expect(scheduleOf(of(frameTime), 10)).toMatchObject({ rate: 20, basis: 'FrameTime' })
    expect(scheduleOf(of({}), 10)).toMatchObject({ basis: 'none' })
    expect(scheduleOf(of({ '00180040': { vr: 'IS', Value: [0] }, ...frameTime }), 10).basis).toBe('FrameTime')
  })
  it('can be uneven', () => {
    const schedule = scheduleOf(of({ '00181065': { vr: 'DS', Value: [0, 100, 300] } }), 3)
    expect(schedule.starts).toEqual([0, 100, 400])
    expect([0, 99, 100, 399, 400].map((time) => frameAt(schedule, time, 1))).toEqual([0, 0, 1, 1, 2])
  })
})

describe('the frame that is due', () => {
  const schedule = scheduleOf(of(frameTime), 4)
  it('follows the clock, whatever was drawn in between', () => expect([0, 49, 50, 199, 200, 1000].map((time) => frameAt(schedule, time, 1))).toEqual([0, 0, 1, 3, 0, 0]))
  it('follows the speed', () => expect(frameAt(schedule, 50, 2)).toBe(2))
  it('goes back when the object says so', () => {
    const sweeping = scheduleOf(of({ ...frameTime, '00181244': { vr: 'US', Value: [1] } }), 4)
    expect([0, 150, 210, 390].map((time) => frameAt(sweeping, time, 1))).toEqual([0, 3, 3, 0])
  })
})
