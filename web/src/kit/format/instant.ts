/** Our own instants: ISO 8601 in UTC from the server, shown in the site's time zone. */

let siteZone = 'UTC'

export function setSiteZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    siteZone = zone
  } catch {
    siteZone = 'UTC'
  }
}

export function getSiteZone(): string {
  return siteZone
}

/** `2026-11-22 09:28:30` in the site's zone, 24 hours, the same in every language. */
export function formatInstant(iso: string | null | undefined, zone = siteZone): string {
  if (iso === null || iso === undefined || iso === '') return ''
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(date)
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((item) => item.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`
}

/** A value that is read from left to right, for a sentence of any direction. */
export function isolated(text: string): string {
  return text === '' ? '' : `\u2066${text}\u2069`
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/** "12 min ago" in the reader's language; Latin digits everywhere so that numbers line up with identifiers. */
export function formatRelative(iso: string | null | undefined, language: string, now: number): string {
  if (iso === null || iso === undefined || iso === '') return ''
  const then = new Date(iso).getTime()
  if (Number.isNaN(then)) return iso
  const seconds = (then - now) / 1000
  const format = new Intl.RelativeTimeFormat(`${language}-u-nu-latn`, { numeric: 'auto', style: 'short' })
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  }
  return format.format(0, 'second')
}
