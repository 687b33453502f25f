import { describe, expect, it } from 'vitest'
import { type StudyRow } from '@/api/types'
import { mergeFresh } from '@/features/worklist/merge'

const row = (id: string, instances = 1): StudyRow => ({
  id,
  study_uid: `1.2.${id}`,
  patient: { id: 'p', name: 'Doe^Jane', patient_id: '1', issuer: '', birth_date: '', sex: '' },
  study_date: '20261122',
  study_time: '',
  timezone_offset: '',
  accession_number: '',
  description: '',
  modalities: ['CT'],
  body_part: '',
  institution: '',
  referring_physician: '',
  series_count: 1,
  instance_count: instances,
  bytes: 1,
  state: 'settled',
  received_at: '2026-11-22T06:28:30Z',
  last_received_at: '2026-11-22T06:28:30Z',
  held_count: 0,
  unverified: false,
  source: 'CT1',
  restriction: '',
  prior_count: 0,
})

const ids = (rows: readonly StudyRow[]): string[] => rows.map((item) => item.id)

describe('fresh rows', () => {
  it('above the known ones are added, in their order', () => {
    const merge = mergeFresh([row('3'), row('2'), row('1')], [row('5'), row('4'), row('3'), row('2')])
    expect(ids(merge.added)).toEqual(['5', '4'])
    expect(merge.gap).toBe(false)
  })

  it('between known ones are left for the next reading, so that nothing moves', () => {
    const merge = mergeFresh([row('3'), row('1')], [row('3'), row('2'), row('1')])
    expect(merge.added).toEqual([])
  })

  it('renew known ones in place', () => {
    const merge = mergeFresh([row('2', 10), row('1', 5)], [row('2', 132), row('1', 5)])
    expect(merge.changed.get('2')?.instance_count).toBe(132)
    expect(merge.added).toEqual([])
  })

  it('that share nothing with the known ones leave a gap', () => {
    expect(mergeFresh([row('1')], [row('9'), row('8')]).gap).toBe(true)
    expect(mergeFresh([], [row('9')]).gap).toBe(false)
    expect(ids(mergeFresh([], [row('9')]).added)).toEqual(['9'])
  })
})
