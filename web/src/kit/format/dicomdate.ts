/** DICOM dates (DA) and times (TM) stay as sent; these functions only lay them out for reading. */

const DATE = /^(\d{4})(\d{2})(\d{2})$/
const OLD_DATE = /^(\d{4})\.(\d{2})\.(\d{2})$/
const TIME = /^(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?$/

interface Day {
  year: number
  month: number
  day: number
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

export function parseDicomDate(value: string | null | undefined): Day | null {
  const text = (value ?? '').trim()
  const match = DATE.exec(text) ?? OLD_DATE.exec(text)
  if (match === null) return null
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null
  return { year, month, day }
}

const two = (value: number): string => String(value).padStart(2, '0')

/** `2026-11-22`: the one order that no reader takes for another; what is no date is shown as it came. */
export function formatDicomDate(value: string | null | undefined): string {
  const date = parseDicomDate(value)
  if (date === null) return (value ?? '').trim()
  return `${String(date.year).padStart(4, '0')}-${two(date.month)}-${two(date.day)}`
}

/** `08:30`, or with seconds `08:30:12`; what is no time is shown as it came. */
export function formatDicomTime(value: string | null | undefined, seconds = false): string {
  const text = (value ?? '').trim()
  const match = TIME.exec(text)
  if (match === null) return text
  const [hours = '', minutes = '00', second] = [match[1], match[2], match[3]]
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(second ?? 0) > 60) return text
  return seconds && second !== undefined ? `${hours}:${minutes}:${second}` : `${hours}:${minutes}`
}

export function formatDicomDateTime(date: string, time: string): string {
  return [formatDicomDate(date), formatDicomTime(time)].filter(Boolean).join(' ')
}

export interface Age {
  value: number
  unit: 'years' | 'months' | 'weeks' | 'days'
}

/** Age at the examination, in the unit that a clinician uses at that age; null when either date is missing or wrong. */
export function ageAt(birth: string | null | undefined, exam: string | null | undefined): Age | null {
  const from = parseDicomDate(birth)
  const to = parseDicomDate(exam)
  if (from === null || to === null) return null
  const start = Date.UTC(from.year, from.month - 1, from.day)
  const end = Date.UTC(to.year, to.month - 1, to.day)
  if (end < start) return null
  let months = (to.year - from.year) * 12 + (to.month - from.month)
  if (to.day < from.day) months -= 1
  const days = Math.round((end - start) / 86_400_000)
  if (months >= 24) return { value: Math.floor(months / 12), unit: 'years' }
  if (months >= 3) return { value: months, unit: 'months' }
  if (days >= 28) return { value: Math.floor(days / 7), unit: 'weeks' }
  return { value: days, unit: 'days' }
}

/** `20261122` of a day on the site's calendar, `offset` days away from `now`. */
export function dicomDay(now: Date, offset: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .format(now)
    .split('-')
    .map(Number)
  const [year = 1970, month = 1, day = 1] = parts
  const date = new Date(Date.UTC(year, month - 1, day + offset))
  return `${date.getUTCFullYear()}${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}`
}

/** Reads what a person types into a date field (`2026-11-22`, `20261122`, `22.11.2026`); null when it is ambiguous or no date. */
export function readTypedDate(text: string): string | null {
  const trimmed = text.trim()
  const iso = /^(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})$/.exec(trimmed)
  const european = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(trimmed)
  const [year, month, day] = iso
    ? [iso[1], iso[2], iso[3]]
    : european
      ? [european[3], european[2], european[1]]
      : [undefined, undefined, undefined]
  if (year === undefined || month === undefined || day === undefined) return null
  const value = `${year}${month.padStart(2, '0')}${day.padStart(2, '0')}`
  return parseDicomDate(value) === null ? null : value
}
