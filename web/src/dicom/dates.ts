/** DICOM dates stay as written; these functions only punctuate and compare them (PS3.5 6.2: DA, TM). */

export interface CalendarDate {
  year: number
  month: number
  day: number
}

export function parseDate(value: string): CalendarDate | undefined {
  const match = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(value.trim())
  if (match === null) return undefined
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? { year, month, day } : undefined
}

/** `2026-11-22`: the one order that no country reads in two ways. What cannot be read is shown as sent. */
export function formatDate(value: string): string {
  const date = parseDate(value)
  if (date === undefined) return value.trim()
  return `${date.year}-${String(date.month).padStart(2, '0')}-${String(date.day).padStart(2, '0')}`
}

/** `06:28:30`; the part that was not sent is not invented. */
export function formatTime(value: string): string {
  const match = /^(\d{2}):?(\d{2})?:?(\d{2})?/.exec(value.trim())
  if (match === null) return value.trim()
  return match
    .slice(1)
    .filter((part) => (part as string | undefined) !== undefined)
    .join(':')
}

function monthsFrom(start: CalendarDate, end: CalendarDate): number {
  const months = (end.year - start.year) * 12 + end.month - start.month
  return end.day < start.day ? months - 1 : months
}

export interface Age {
  value: number
  unit: 'years' | 'months' | 'days'
}

/** Age at the examination, not today; nothing when a date is missing or the birth lies after it. */
export function ageAt(birth: string, examination: string): Age | undefined {
  const [born, seen] = [parseDate(birth), parseDate(examination)]
  if (born === undefined || seen === undefined) return undefined
  const days = daysBetween(born, seen)
  if (days < 0) return undefined
  const months = monthsFrom(born, seen)
  if (months >= 24) return { value: Math.floor(months / 12), unit: 'years' }
  return months >= 2 ? { value: months, unit: 'months' } : { value: days, unit: 'days' }
}

function daysBetween(from: CalendarDate, to: CalendarDate): number {
  const day = (date: CalendarDate): number => Date.UTC(date.year, date.month - 1, date.day) / 86_400_000
  return day(to) - day(from)
}

export interface Distance {
  value: number
  unit: 'years' | 'months' | 'weeks' | 'days'
  /** False when the other study is the newer one: it is LATER, never PRIOR. */
  earlier: boolean
}

/** How far another examination lies from the one on screen. */
export function distanceBetween(current: string, other: string): Distance | undefined {
  const [here, there] = [parseDate(current), parseDate(other)]
  if (here === undefined || there === undefined) return undefined
  const signed = daysBetween(there, here)
  const [start, end] = signed >= 0 ? [there, here] : [here, there]
  const days = Math.abs(signed)
  const months = monthsFrom(start, end)
  const earlier = signed >= 0
  if (months >= 48) return { value: Math.floor(months / 12), unit: 'years', earlier }
  if (months >= 2) return { value: months, unit: 'months', earlier }
  return days >= 21 ? { value: Math.floor(days / 7), unit: 'weeks', earlier } : { value: days, unit: 'days', earlier }
}
