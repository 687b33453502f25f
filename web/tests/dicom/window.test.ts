import { describe, expect, it } from 'vitest'
import { Attributes } from '@/dicom/attributes'
import { curveOf, dragWindow, fullRangeWindow, greyLevel, headerWindows, makeWindow, percentileWindow, rangeOf, windowFromRange } from '@/dicom/window'

const level = (value: number): number => Math.round(value * 255)

describe('grey levels of the standard', () => {
  // Sampled by hand from the equations of PS3.3 C.11.2.1.2 and C.11.2.1.3 with centre 2048 and width 1024.
  it('LINEAR', () => {
    const voi = makeWindow(2048, 1024)
    expect([1535, 1536, 1792, 2048, 2304, 2559, 2560].map((value) => level(greyLevel(voi, value)))).toEqual([0, 0, 64, 128, 191, 255, 255])
  })
  it('LINEAR_EXACT', () => {
    const voi = makeWindow(2048, 1024, 'LINEAR_EXACT')
    expect([1536, 1792, 2048, 2560].map((value) => level(greyLevel(voi, value)))).toEqual([0, 64, 128, 255])
  })
  it('SIGMOID', () => {
    const voi = makeWindow(2048, 1024, 'SIGMOID')
    expect([0, 1024, 1536, 2048, 2560, 3072, 4095].map((value) => level(greyLevel(voi, value)))).toEqual([0, 5, 30, 128, 225, 250, 255])
  })
  it('a width of 1 is a step', () => {
    const voi = makeWindow(10, 1)
    expect([greyLevel(voi, 9), greyLevel(voi, 9.5), greyLevel(voi, 10)]).toEqual([0, 0, 1])
  })
  it('a table takes its ends beyond its inputs', () => {
    const voi = { kind: 'lut', lut: { first: -2, bits: 8, values: Uint16Array.of(255, 100, 0), explanation: '' } } as const
    expect([-9, -2, -1, 0, 9].map((value) => level(greyLevel(voi, value)))).toEqual([255, 255, 100, 0, 0])
  })
})

describe('curves for the screen', () => {
  it('follow the exact curve between their nodes to a quarter of a grey level', () => {
    for (const voi of [makeWindow(40, 80), makeWindow(0.5, 0.25, 'LINEAR_EXACT'), makeWindow(2048, 1024, 'SIGMOID')]) {
      const nodes = curveOf(voi, false)
      const { lower, upper } = rangeOf(voi)
      for (let part = 0; part <= 1; part += 0.001) {
        const value = lower + (upper - lower) * part
        const at = nodes.findIndex((node) => node.value >= value)
        const [before, after] = [nodes[Math.max(0, at - 1)], nodes[Math.max(0, at)]]
        if (before === undefined || after === undefined) throw new Error('no node')
        const share = after.value === before.value ? 0 : (value - before.value) / (after.value - before.value)
        const drawn = before.grey + (after.grey - before.grey) * share
        expect(Math.abs(drawn - greyLevel(voi, value)) * 255).toBeLessThan(0.25 + (voi.fn === 'SIGMOID' ? 0.1 : 0))
      }
    }
  })
  it('are mirrored by inversion', () => {
    const [plain, inverse] = [curveOf(makeWindow(40, 80), false), curveOf(makeWindow(40, 80), true)]
    expect(inverse.map((node) => 1 - node.grey)).toEqual(plain.map((node) => node.grey))
  })
  it('never have two nodes at one value', () => {
    const [first, second] = curveOf(makeWindow(10, 1), false)
    expect((second?.value ?? 0) > (first?.value ?? 0)).toBe(true)
  })
})

describe('windows of the object', () => {
  const of = (extra: object): Attributes => new Attributes([{ '00280101': { vr: 'US', Value: [12] }, ...extra }])
  it('are read with their names; a width of 0 is nobody’s window', () => {
    const windows = headerWindows(
      of({ '00281050': { vr: 'DS', Value: [40, 400, 1] }, '00281051': { vr: 'DS', Value: [80, 2000, 0] }, '00281055': { vr: 'LO', Value: ['BRAIN', 'BONE'] } }),
    )
    expect(windows.map(({ name, voi }) => [name, voi.kind === 'window' ? voi.width : 0])).toEqual([
      ['BRAIN', 80],
      ['BONE', 2000],
    ])
  })
  it('take the VOI LUT Function by its whole name (and not by its first letter)', () => {
    for (const name of ['LINEAR', 'LINEAR_EXACT', 'SIGMOID']) {
      const [first] = headerWindows(of({ '00281050': { vr: 'DS', Value: [2048] }, '00281051': { vr: 'DS', Value: [1024] }, '00281056': { vr: 'CS', Value: [name] } }))
      expect(first?.voi).toMatchObject({ fn: name })
    }
  })
  it('are exact over fractions', () => {
    const [first] = headerWindows(of({ '00281050': { vr: 'DS', Value: [0.1] }, '00281051': { vr: 'DS', Value: [0.2] }, '00281053': { vr: 'DS', Value: [0.001] } }))
    expect(first?.voi).toMatchObject({ width: 0.2, fn: 'LINEAR_EXACT' })
  })
})

describe('windows made here', () => {
  it('span whole numbers and fractions from end to end', () => {
    const whole = fullRangeWindow({ lower: 0, upper: 255 })
    expect([greyLevel(whole, 0), greyLevel(whole, 255)]).toEqual([0, 1])
    const fraction = fullRangeWindow({ lower: 0.25, upper: 0.75 })
    expect([greyLevel(fraction, 0.25), greyLevel(fraction, 0.5)]).toEqual([0, 0.5])
    expect(fullRangeWindow({ lower: 7, upper: 7 }).width).toBeGreaterThan(0)
  })
  it('come back from their own range', () => expect(windowFromRange(rangeOf(makeWindow(40, 80)))).toMatchObject({ center: 40, width: 80 }))
  it('leave out the padding and the outliers', () => {
    const values = Int16Array.from({ length: 1000 }, (_, index) => (index < 500 ? -2000 : index === 999 ? 30000 : index - 500))
    const window = percentileWindow(values, (value) => value === -2000)
    expect(rangeOf(window).upper).toBeLessThan(600)
    expect(rangeOf(window).lower).toBeGreaterThanOrEqual(0)
  })
  it('cannot be dragged to nothing', () => expect(dragWindow(makeWindow(40, 80), -500, 0, 1).width).toBe(1))
})
