import { describe, expect, it } from 'vitest'
import { overlayOf, lossyOf } from '@/dicom/overlay'
import { Attributes, type DataSet } from '@/dicom/attributes'
import { reportLines } from '@/dicom/report'
import { shownInstances, stacksOf, type SeriesDocumentLike } from '@/dicom/series'
import { isLater, timeDistance } from '@/dicom/timedistance'
import { firstPart, transferSyntaxOf } from '@/dicom/multipart'

const PICTURE: DataSet = { '00280010': { vr: 'US', Value: [4] }, '00280011': { vr: 'US', Value: [4] }, '00280100': { vr: 'US', Value: [16] }, '00080060': { vr: 'CS', Value: ['US'] } }

function document(instances: { frames?: number; attributes?: DataSet; syntax?: string; base?: string }[]): SeriesDocumentLike {
  return {
    series_uid: '1.2',
    study_uid: '1.1',
    instance_count: instances.length,
    shared: {},
    instances: instances.map(({ frames = 1, attributes = PICTURE, syntax = '1.2.840.10008.1.2.1', base = '' }, index) => ({
      sop_uid: `1.3.${index}`,
      sop_class: '1.4',
      frames,
      transfer_syntax: syntax,
      attributes,
      digest: 'd',
      frame_urls_base: base,
    })),
  }
}

describe('stacks of a series', () => {
  it('guard 7: every object is shown once and counted once', () => {
    const stacks = stacksOf(document([{}, { frames: 30 }, {}, { attributes: { '0040A730': { vr: 'SQ', Value: [{}] } } }, { syntax: '1.2.840.10008.1.2.4.102' }]))
    expect(stacks.map((stack) => (stack.kind === 'images' ? stack.frames.length : stack.form))).toEqual([2, 30, 'report', 'video'])
    expect(shownInstances(stacks)).toBe(5)
    expect(stacks.map((stack) => stack.part)).toEqual([1, 2, 3, 4].map((index) => ({ index, of: 4 })))
  })
  it('an object without pixels is never a blank', () => expect(stacksOf(document([{ attributes: {} }]))[0]).toMatchObject({ kind: 'document', form: 'other' }))
  it('keeps the order of the document', () => {
    const [stack] = stacksOf(document([{}, {}, {}]))
    expect(stack?.kind === 'images' && stack.frames.map((frame) => frame.sopUid)).toEqual(['1.3.0', '1.3.1', '1.3.2'])
  })
  it('addresses frames as the document says, else by WADO-RS', () => {
    const urls = stacksOf(document([{ base: '/api/instances/7/frames/' }, {}])).flatMap((stack) => (stack.kind === 'images' ? stack.frames.map((frame) => frame.url) : []))
    expect(urls).toEqual(['/api/instances/7/frames/1', '/dicom-web/studies/1.1/series/1.2/instances/1.3.1/frames/1'])
  })
  it('draws a picture without a place on a sheet of its own', () => {
    const [stack] = stacksOf(document([{}, {}]))
    const frames = stack?.kind === 'images' ? stack.frames : []
    expect(frames[0]?.plane).toBeUndefined()
    expect(frames[0]?.sheet.frameOfReference).not.toBe(frames[1]?.sheet.frameOfReference)
  })
})

describe('other studies', () => {
  const at = (study_date: string, study_time = ''): { study_date: string; study_time: string } => ({ study_date, study_time })
  it('guard 7: a newer study is LATER, never PRIOR', () => {
    expect(isLater(at('20261120'), at('20261121'))).toBe(true)
    expect(isLater(at('20261120'), at('20250915'))).toBe(false)
    expect(isLater(at('20261120', '080000'), at('20261120', '090000'))).toBe(true)
    expect(isLater(at('20261120'), at(''))).toBeNull()
  })
  it('says how far', () => {
    expect(timeDistance('20261120', '20250915')).toEqual({ value: 14, unit: 'months', earlier: true })
    expect(timeDistance('20261120', '20261118')).toEqual({ value: 2, unit: 'days', earlier: true })
    expect(timeDistance('20201120', '20261120')).toEqual({ value: 6, unit: 'years', earlier: false })
    expect(timeDistance('', '20261120')).toBeUndefined()
  })
})

describe('multipart answers', () => {
  const body = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (character) => character.charCodeAt(0))
  const type = 'multipart/related; type="application/octet-stream"; boundary=B'
  it('give their first part, even if it contains the boundary', () => {
    const part = firstPart(type, body('--B\r\nContent-Type: image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202\r\n\r\nab\r\n--Bx\r\ncd\r\n--B--\r\n'))
    expect(new TextDecoder().decode(part.bytes)).toBe('ab\r\n--Bx\r\ncd')
    expect(transferSyntaxOf(part.contentType)).toBe('1.2.840.10008.1.2.4.202')
  })
  it('believe a stated length', () => {
    expect(firstPart(type, body('--B\r\nContent-Length: 2\r\n\r\nab\r\n--B--')).bytes.length).toBe(2)
  })
  it('may be a single part', () => expect(firstPart('application/octet-stream', body('ab')).bytes.length).toBe(2))
  it('know a syntax by media type', () => expect(transferSyntaxOf('image/jls')).toBe('1.2.840.10008.1.2.4.80'))
})

describe('overlay text', () => {
  it('follows the modality', () => {
    const of = new Attributes([{ '00080060': { vr: 'CS', Value: ['CT'] }, '00180060': { vr: 'DS', Value: [120] }, '00181152': { vr: 'IS', Value: [250] }, '00180050': { vr: 'DS', Value: [5] } }])
    expect(overlayOf(of).bottomLeft).toEqual([
      { key: 'thickness', values: { value: '5' } },
      { key: 'tube', values: { kvp: '120', mas: '250' } },
    ])
  })
  it('names tracer and activity, indices of an ultrasound, the dose of a mammogram', () => {
    const one = (modality: string, rest: DataSet): unknown => overlayOf(new Attributes([{ '00080060': { vr: 'CS', Value: [modality] }, ...rest }])).bottomLeft
    const drug = { '00180031': { vr: 'LO', Value: ['FDG'] }, '00181074': { vr: 'DS', Value: [312000000] } }
    expect(one('PT', { '00540016': { vr: 'SQ', Value: [drug] } })).toEqual([{ text: 'FDG · 312 MBq' }])
    expect(one('US', { '00185022': { vr: 'DS', Value: [1.08] }, '00185027': { vr: 'DS', Value: [0.4] } })).toEqual([{ text: 'MI 1.1 · TIS 0.4' }])
    expect(one('MG', { '00400316': { vr: 'DS', Value: [0.0142] } })).toEqual([{ text: 'AGD 1.42 mGy' }])
  })
  it('writes side and view of a mammogram large', () => {
    const of = new Attributes([{ '00080060': { vr: 'CS', Value: ['MG'] }, '00200062': { vr: 'CS', Value: ['R'] }, '00185101': { vr: 'CS', Value: ['MLO'] } }])
    expect(overlayOf(of).side).toBe('R MLO')
  })
  it('says LOSSY when the object was, or this encoding is', () => {
    expect(lossyOf(new Attributes([{ '00282110': { vr: 'CS', Value: ['01'] }, '00282112': { vr: 'DS', Value: [8, 12.5] } }]), '')).toEqual({ isLossy: true, ratio: '12.5' })
    expect(lossyOf(new Attributes([{}]), '1.2.840.10008.1.2.4.50').isLossy).toBe(true)
    expect(lossyOf(new Attributes([{}]), '1.2.840.10008.1.2.4.90').isLossy).toBe(false)
  })
})

describe('structured reports', () => {
  const concept = (meaning: string): DataSet => ({ '0040A043': { vr: 'SQ', Value: [{ '00080104': { vr: 'LO', Value: [meaning] } }] } })
  const text = (meaning: string, value: string): DataSet => ({ ...concept(meaning), '0040A040': { vr: 'CS', Value: ['TEXT'] }, '0040A160': { vr: 'UT', Value: [value] } })
  it('guard 12: keep every sign of their text', () => {
    const report = new Attributes([{ ...concept('Report'), '0040A730': { vr: 'SQ', Value: [text('Finding', 'nodule <5 mm & "round"')] } }])
    expect(reportLines(report)).toEqual({
      lines: [
        { depth: 0, name: 'Report', value: '' },
        { depth: 1, name: 'Finding', value: 'nodule <5 mm & "round"' },
      ],
      isCut: false,
    })
  })
  it('end at a depth that nobody writes, and say so', () => {
    let deep: DataSet = text('x', 'y')
    for (let level = 0; level < 80; level += 1) deep = { ...concept('c'), '0040A730': { vr: 'SQ', Value: [deep] } }
    expect(reportLines(new Attributes([deep])).isCut).toBe(true)
  })
})
