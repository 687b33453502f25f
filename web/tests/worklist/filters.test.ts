import { describe, expect, it } from 'vitest'
import { buildQuery, type Filters, fromSaved, isFiltered, matchesSaved, NO_FILTERS, savable, TABS } from '@/features/worklist/filters'

const NOW = new Date('2026-11-22T12:00:00Z')
const build = (change: Partial<Filters>) => buildQuery({ ...NO_FILTERS, ...change }, NOW, 'UTC')

describe('the question to the server', () => {
  it('asks for nothing but the order when nothing is filtered', () => {
    expect(build({})).toEqual({ sort: 'received_at', descending: true })
  })

  it('carries what was typed, trimmed, and leaves out what is empty', () => {
    expect(build({ text: '  Müller ', patientName: ' ', patientId: ' 104-22', accessionNumber: '' })).toEqual({
      sort: 'received_at',
      descending: true,
      text: 'Müller',
      patient_id: '104-22',
    })
  })

  it('names modalities in one order, so that equal questions are equal', () => {
    expect(build({ modalities: ['MR', 'CT'] }).modalities).toEqual(['CT', 'MR'])
    expect(build({ modalities: [] })).not.toHaveProperty('modalities')
  })

  it.each([
    ['today', '20261122', '20261122'],
    ['yesterday', '20261121', '20261121'],
    ['week', '20261116', '20261122'],
    ['month', '20261024', '20261122'],
  ] as const)('turns %s into days', (date, from, to) => {
    expect(build({ date })).toMatchObject({ date_from: from, date_to: to })
  })

  it('takes typed dates, also when one end is open', () => {
    expect(build({ date: 'custom', from: '20260101' })).toMatchObject({ date_from: '20260101' })
    expect(build({ date: 'custom', from: '20260101' })).not.toHaveProperty('date_to')
    expect(build({ date: 'any', from: '20260101', to: '20260102' })).not.toHaveProperty('date_from')
  })

  it('carries the state and the order', () => {
    expect(build({ state: 'held', sort: { key: 'patient_name', descending: false } })).toEqual({
      state: 'held',
      sort: 'patient_name',
      descending: false,
    })
  })
})

describe('saved filters', () => {
  it('know whether anything is filtered; the order alone is not a filter', () => {
    expect(isFiltered(NO_FILTERS)).toBe(false)
    expect(isFiltered({ ...NO_FILTERS, sort: { key: 'instances', descending: false } })).toBe(false)
    expect(isFiltered({ ...NO_FILTERS, text: 'x' })).toBe(true)
  })

  it('are found again whatever the order of their modalities', () => {
    const saved = { id: '1', name: 'x', modalities: ['CT', 'MR'], date: 'week', state: '' } as const
    expect(matchesSaved({ ...NO_FILTERS, modalities: ['MR', 'CT'], date: 'week' }, { ...saved, modalities: [...saved.modalities] })).toBe(true)
    expect(matchesSaved({ ...NO_FILTERS, modalities: ['MR'], date: 'week' }, { ...saved, modalities: [...saved.modalities] })).toBe(false)
  })

  it('never keep anything of one patient', () => {
    expect(savable({ ...NO_FILTERS, text: 'Doe', patientName: 'Doe', patientId: '1', accessionNumber: '2' })).toBe(false)
    expect(savable({ ...NO_FILTERS, modalities: ['CT'] })).toBe(true)
    expect(savable({ ...NO_FILTERS, date: 'custom', from: '20260101' })).toBe(false)
  })

  it('give back their own filters', () => {
    for (const tab of TABS) expect(matchesSaved(fromSaved(tab), tab)).toBe(true)
  })
})
