import { describe, expect, it } from 'vitest'
import { type SeriesRow, type StudyManifest, type StudyRow } from '@/api/types'
import { Frame, type ImageStack } from '@/dicom/series'
import { Attributes, type DataSet } from '@/dicom/attributes'
import { arrivals, firstSeries, openStudy, sameFrame, withDocument } from '@/viewer/state/studies'
import { linkedIndex } from '@/viewer/state/links'

const study = (id: string, date = '20261120', patient = 'p1'): StudyRow =>
  ({ id, study_uid: `1.${id}`, study_date: date, study_time: '', patient: { id: patient } }) as StudyRow
const series = (id: string, count: number, extra: Partial<SeriesRow> = {}): SeriesRow =>
  ({ id, series_uid: `2.${id}`, modality: 'CT', instance_count: count, frame_count: count, ...extra }) as SeriesRow
const manifest = (rows: SeriesRow[], revision = 'a', row = study('s')): StudyManifest => ({ study: row, revision, series: rows, hanging: {} as never, priors: [], held: [], instance_count: 0, emergency: null })

describe('guard 7: what arrives is counted and announced', () => {
  const shown = openStudy(manifest([series('1', 10), series('2', 5)]), undefined)
  it('counts new images, new series, and what has gone', () => {
    expect(arrivals(shown, manifest([series('1', 12), series('2', 5)], 'b'))).toEqual({ images: 2, series: 0, replaced: false })
    expect(arrivals(shown, manifest([series('1', 10), series('2', 5), series('3', 4)], 'b'))).toEqual({ images: 4, series: 1, replaced: false })
    expect(arrivals(shown, manifest([series('1', 9), series('2', 5)], 'b')).replaced).toBe(true)
    expect(arrivals(shown, manifest([series('1', 10), series('2', 5)], 'b'))).toEqual({ images: 0, series: 0, replaced: true })
  })
  it('is quiet when nothing has changed', () => expect(arrivals(shown, manifest([series('1', 10), series('2', 5)]))).toEqual({ images: 0, series: 0, replaced: false }))
  it('says when a document holds fewer objects than the series', () => {
    const entry = shown.series[0]
    if (entry === undefined) throw new Error('no series')
    const document = { series_uid: '2.1', study_uid: '1.s', revision: 'a', settled: true, instance_count: 1, shared: {}, instances: [{ sop_uid: '3', sop_class: '4', number: 1, frames: 1, transfer_syntax: '', attributes: {}, digest: '', frame_urls_base: '' }] }
    expect(withDocument(entry, document).missing).toBe(9)
  })
})

describe('other studies', () => {
  it('guard 7: LATER is not PRIOR', () => {
    expect(openStudy(manifest([], 'a', study('x', '20261201')), study('s')).relation).toBe('later')
    expect(openStudy(manifest([], 'a', study('x', '20250915')), study('s')).relation).toBe('prior')
    expect(openStudy(manifest([], 'a', study('x', '')), study('s')).relation).toBe('undated')
  })
  it('guard 4: another person is marked', () => {
    expect(openStudy(manifest([], 'a', study('x', '20250915', 'p2')), study('s')).isOtherPatient).toBe(true)
    expect(openStudy(manifest([], 'a', study('x', '20250915', 'p1')), study('s')).isOtherPatient).toBe(false)
  })
})

describe('the first series', () => {
  it('is one with pictures', () => {
    const entries = openStudy(manifest([series('1', 1, { modality: 'SR', frame_count: 0 }), series('2', 3)]), undefined).series
    expect(firstSeries(entries)?.row.id).toBe('2')
    expect(firstSeries(entries.slice(0, 1))?.row.id).toBe('1')
  })
  it('is not the localizer when there is more', () => {
    const entries = openStudy(manifest([series('1', 2), series('2', 40)]), undefined).series
    expect(firstSeries(entries)?.row.id).toBe('2')
    expect(firstSeries(entries.slice(0, 1))?.row.id).toBe('1')
  })
})

function stack(places: { z: number; sop: string }[], frameOfReference = '9.9'): ImageStack {
  const set = (z: number): DataSet => ({
    '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] },
    '00200032': { vr: 'DS', Value: [0, 0, z] },
    '00280030': { vr: 'DS', Value: [1, 1] },
    '00280010': { vr: 'US', Value: [8] },
    '00280011': { vr: 'US', Value: [8] },
    '00200052': { vr: 'UI', Value: [frameOfReference] },
  })
  const frames = places.map(({ z, sop }) => new Frame('1', '2', sop, 1, `/${sop}`, '', '', new Attributes([set(z)])))
  return { kind: 'images', id: 'x', studyUid: '1', seriesUid: '2', modality: 'CT', frames, instanceCount: frames.length, isCine: false, part: undefined, traits: [] }
}

describe('a stack that has grown', () => {
  const before = stack([{ z: 0, sop: 'a' }, { z: 2, sop: 'c' }])
  const after = stack([{ z: 0, sop: 'a' }, { z: 1, sop: 'b' }, { z: 2, sop: 'c' }])
  it('never moves under the reader', () => expect(sameFrame(before, 1, after)).toBe(2))
  it('stays near when the image has gone', () => expect(sameFrame(after, 1, before)).toBe(1))
})

describe('linked scrolling', () => {
  const thick = stack([{ z: 0, sop: 'a' }, { z: 10, sop: 'b' }, { z: 20, sop: 'c' }])
  const plane = (z: number, frameOfReference = '9.9') => {
    const found = stack([{ z, sop: 'p' }], frameOfReference).frames[0]?.plane
    if (found === undefined) throw new Error('no plane')
    return found
  }
  it('goes by position, not by number', () => expect(linkedIndex(plane(12), thick)).toBe(1))
  it('does not link across frames of reference', () => expect(linkedIndex(plane(12, '8.8'), thick)).toBeUndefined())
})
