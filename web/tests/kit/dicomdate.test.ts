import { describe, expect, it } from 'vitest'
import { ageAt, dicomDay, formatDicomDate, formatDicomTime, parseDicomDate, readTypedDate } from '@/kit/format/dicomdate'

describe('DICOM dates and times', () => {
  it.each([
    ['20261122', '2026-11-22'],
    ['2026.11.22', '2026-11-22'],
    ['20240229', '2024-02-29'],
    ['20230229', '20230229'],
    ['20261301', '20261301'],
    ['unknown', 'unknown'],
    ['', ''],
    [null, ''],
  ])('date %j reads %j', (sent, shown) => {
    expect(formatDicomDate(sent)).toBe(shown)
  })

  it.each([
    ['083012', false, '08:30'],
    ['083012.123456', true, '08:30:12'],
    ['08', false, '08:00'],
    ['0830', true, '08:30'],
    ['08:30:12', true, '08:30:12'],
    ['995959', false, '995959'],
    ['', false, ''],
  ])('time %j reads %j', (sent, seconds, shown) => {
    expect(formatDicomTime(sent, seconds)).toBe(shown)
  })

  it('knows the length of months', () => {
    expect(parseDicomDate('20260431')).toBeNull()
    expect(parseDicomDate('21000229')).toBeNull()
    expect(parseDicomDate('20000229')).toEqual({ year: 2000, month: 2, day: 29 })
  })
})

describe('age at the examination', () => {
  it.each([
    ['19720301', '20261122', { value: 54, unit: 'years' }],
    ['19721123', '20261122', { value: 53, unit: 'years' }],
    ['20250101', '20261122', { value: 22, unit: 'months' }],
    ['20241122', '20261122', { value: 2, unit: 'years' }],
    ['20260901', '20261122', { value: 11, unit: 'weeks' }],
    ['20261101', '20261122', { value: 21, unit: 'days' }],
    ['20261122', '20261122', { value: 0, unit: 'days' }],
    ['20000229', '20010228', { value: 11, unit: 'months' }],
  ])('born %s, examined %s', (birth, exam, age) => {
    expect(ageAt(birth, exam)).toEqual(age)
  })

  it('is unknown when a date is missing, wrong or the wrong way round', () => {
    expect(ageAt('', '20261122')).toBeNull()
    expect(ageAt('20261122', '')).toBeNull()
    expect(ageAt('20271122', '20261122')).toBeNull()
    expect(ageAt('19720231', '20261122')).toBeNull()
  })
})

describe('days of the site', () => {
  const lateInBerlin = new Date('2026-11-22T23:30:00Z')
  it('begin at midnight of the site, not of UTC', () => {
    expect(dicomDay(lateInBerlin, 0, 'Europe/Berlin')).toBe('20261123')
    expect(dicomDay(lateInBerlin, 0, 'UTC')).toBe('20261122')
    expect(dicomDay(lateInBerlin, 0, 'America/New_York')).toBe('20261122')
  })
  it('cross months, years and the change of clocks', () => {
    expect(dicomDay(new Date('2026-03-01T12:00:00Z'), -1, 'UTC')).toBe('20260228')
    expect(dicomDay(new Date('2026-01-01T12:00:00Z'), -1, 'UTC')).toBe('20251231')
    expect(dicomDay(new Date('2026-10-25T23:30:00Z'), -1, 'Europe/Berlin')).toBe('20261025')
  })
})

describe('typed dates', () => {
  it.each([
    ['2026-11-22', '20261122'],
    ['20261122', '20261122'],
    ['2026-1-2', '20260102'],
    ['22.11.2026', '20261122'],
    ['2026-02-30', null],
    ['11/12/2026', null],
    ['12.13.2026', null],
    ['tomorrow', null],
    ['', null],
  ])('%j is %j', (typed, date) => {
    expect(readTypedDate(typed)).toBe(date)
  })
})
