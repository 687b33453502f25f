import { describe, expect, it } from 'vitest'
import { Attributes, type DataSet } from '@/dicom/attributes'
import { mayNameSomebody } from '@/dicom/burnt'
import { Frame, type ImageStack } from '@/dicom/series'
import { type Picture } from '@/viewer/pixels/picture'
import { Seen } from '@/viewer/state/seen'
import { EMPTY_STATE, type ViewportState } from '@/viewer/viewport/types'

const frames = Array.from({ length: 6 }, (_, index) => new Frame('1', '2', `3.${index}`, 1, `/${index}`, '', 'd', new Attributes([{}])))
const stack: ImageStack = { kind: 'images', id: 'x', studyUid: '1', seriesUid: '2', modality: 'CT', frames, instanceCount: 6, isCine: false, part: undefined, traits: [] }

const showing = (index: number): ViewportState => ({ ...EMPTY_STATE, stack, index, status: 'ready', picture: { frame: frames[index] } as unknown as Picture })

describe('what has been on the screen', () => {
  it('is counted and told as runs; a replaced object has not been seen', () => {
    const seen = new Seen()
    for (const index of [0, 1, 4, 1]) seen.note(showing(index))
    expect(seen.unseen(stack)).toBe(3)
    expect(seen.runs(stack)).toEqual([{ first: 0, count: 2 }, { first: 4, count: 1 }])
    expect(seen.countOf('x')).toBe(3)
    const replaced = frames.map((frame, index) => (index === 0 ? new Frame('1', '2', '3.0', 1, '/0', '', 'other digest', new Attributes([{}])) : frame))
    expect(seen.unseen({ ...stack, frames: replaced })).toBe(4)
    seen.note({ ...showing(5), picture: { frame: frames[5], reduction: 2 } as unknown as Picture })
    expect(seen.unseen(stack), 'a smaller picture is not the image').toBe(3)
  })
})

describe('guard 12: names that may be burnt in', () => {
  const of = (modality: string, stated?: string): boolean => {
    const set: DataSet = { '00080060': { vr: 'CS', Value: [modality] }, ...(stated === undefined ? {} : { '00280301': { vr: 'CS', Value: [stated] } }) }
    return mayNameSomebody(new Attributes([set]))
  }
  it('where the object says so, or says nothing and comes from a device that does it', () => {
    expect([of('CT', 'YES'), of('US'), of('US', 'NO'), of('CT'), of('CT', 'NO')]).toEqual([true, true, false, false, false])
  })
})
