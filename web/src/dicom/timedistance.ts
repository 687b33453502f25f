import { parseDicomDate } from '@/kit/format/dicomdate'

export interface TimeDistance {
  value: number
  unit: 'years' | 'months' | 'weeks' | 'days'
  /** False when the other study is the newer one: it is LATER, never PRIOR. */
  earlier: boolean
}

type Day = NonNullable<ReturnType<typeof parseDicomDate>>

const dayNumber = ({ year, month, day }: Day): number => Date.UTC(year, month - 1, day) / 86_400_000

function monthsFrom(start: Day, end: Day): number {
  const months = (end.year - start.year) * 12 + end.month - start.month
  return end.day < start.day ? months - 1 : months
}

/** How far another examination lies from the one on screen, by their dates as sent; nothing when one has no date. */
export function timeDistance(current: string, other: string): TimeDistance | undefined {
  const [here, there] = [parseDicomDate(current), parseDicomDate(other)]
  if (here === null || there === null) return undefined
  const days = dayNumber(here) - dayNumber(there)
  const earlier = days >= 0
  const months = earlier ? monthsFrom(there, here) : monthsFrom(here, there)
  if (months >= 48) return { value: Math.floor(months / 12), unit: 'years', earlier }
  if (months >= 2) return { value: months, unit: 'months', earlier }
  const distance = Math.abs(days)
  return distance >= 21 ? { value: Math.floor(distance / 7), unit: 'weeks', earlier } : { value: distance, unit: 'days', earlier }
}

/** Which of two studies is the newer one; by time when the dates are equal, null when that cannot be known. */
export function isLater(current: { study_date: string; study_time: string }, other: { study_date: string; study_time: string }): boolean | null {
  if (parseDicomDate(current.study_date) === null || parseDicomDate(other.study_date) === null) return null
  const [here, there] = [current.study_date + current.study_time, other.study_date + other.study_time]
  return here === there ? null : there > here
}
