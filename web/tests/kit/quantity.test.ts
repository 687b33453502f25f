import { describe, expect, it } from 'vitest'
import { formatInstant, formatRelative } from '@/kit/format/instant'
import { formatBytes, formatCount, percent } from '@/kit/format/quantity'

describe('numbers', () => {
  it('group their digits and keep Latin ones in every language', () => {
    expect(formatCount(1234567, 'en')).toBe('1,234,567')
    expect(formatCount(1234567, 'de')).toBe('1.234.567')
    expect(formatCount(42, 'ar')).toBe('42')
  })
  it('of bytes use decimal units', () => {
    expect(formatBytes(0, 'en')).toBe('0 byte')
    expect(formatBytes(526_000, 'en')).toBe('526 kB')
    expect(formatBytes(1_500_000, 'en')).toBe('1.5 MB')
    expect(formatBytes(999_999, 'en')).toBe('1 MB')
    expect(formatBytes(2_000_000_000, 'en')).toBe('2 GB')
  })
  it('of progress say 100 only when all is done', () => {
    expect(percent(0, 212)).toBe(0)
    expect(percent(1, 100_000)).toBe(1)
    expect(percent(99_999, 100_000)).toBe(99)
    expect(percent(212, 212)).toBe(100)
    expect(percent(5, null)).toBeNull()
    expect(percent(0, 0)).toBeNull()
  })
})

describe('instants', () => {
  it('are shown in the zone of the site', () => {
    expect(formatInstant('2026-11-22T06:28:30Z', 'Europe/Berlin')).toBe('2026-11-22 07:28:30')
    expect(formatInstant('2026-11-22T06:28:30Z', 'UTC')).toBe('2026-11-22 06:28:30')
    expect(formatInstant('2026-11-22T00:00:00Z', 'UTC')).toBe('2026-11-22 00:00:00')
    expect(formatInstant(null)).toBe('')
    expect(formatInstant('not a time')).toBe('not a time')
  })
  it('are told from now', () => {
    const now = Date.parse('2026-11-22T12:00:00Z')
    expect(formatRelative('2026-11-22T11:48:00Z', 'en', now)).toBe('12 min. ago')
    expect(formatRelative('2026-11-22T11:59:30Z', 'en', now)).toBe('now')
    expect(formatRelative('2026-11-20T12:00:00Z', 'de', now)).toBe('vorgestern')
    expect(formatRelative('2026-11-22T12:04:00Z', 'en', now)).toBe('in 4 min.')
  })
})
