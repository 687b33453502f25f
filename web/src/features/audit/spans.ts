export const SPANS = ['hour', 'day', 'week', 'month', 'any'] as const
export type Span = (typeof SPANS)[number]

const HOURS: Record<Exclude<Span, 'any'>, number> = { hour: 1, day: 24, week: 168, month: 720 }

/** From when on; `any` leaves both ends open. */
export function spanOf(span: Span, now: number): { since?: string } {
  return span === 'any' ? {} : { since: new Date(now - HOURS[span] * 3_600_000).toISOString() }
}
