import i18next, { type TFunction } from 'i18next'

type Words = (key: string, values?: Record<string, unknown>) => string

/** A sentence by its code when this client knows it, else the server's English one. */
function byCode(t: TFunction, key: string, values: Record<string, unknown>, fallback: string): string {
  // Keys that come from the server cannot be checked by the compiler; `exists` checks them here.
  if (i18next.exists(key)) return (t as unknown as Words)(key, values)
  const plural = typeof values['count'] === 'number' && i18next.exists(key, { count: values['count'] })
  return plural ? (t as unknown as Words)(key, values) : fallback
}

/** Why an object is held, in the reader's language. */
export function reasonText(t: TFunction, code: string, fallback: string): string {
  return byCode(t, `reason.${code}`, {}, fallback)
}

/** By which door an object came in. */
export function doorText(t: TFunction, door: string): string {
  return byCode(t, `door.${door}`, {}, door)
}

/** One event in the life of a study, in the reader's language. */
export function lifeText(t: TFunction, event: { code: string; values: Record<string, string | number>; text: string }): string {
  const { reason } = event.values
  const values = typeof reason === 'string' ? { ...event.values, reason: reasonText(t, reason, reason) } : event.values
  return byCode(t, `life.${event.code}`, values, event.text)
}

/** What to do about it. */
export function mendText(t: TFunction, mend: { code: string; text: string }): string {
  return byCode(t, `mend.${mend.code}`, {}, mend.text)
}

/** The kind of a job. */
export function jobKindText(t: TFunction, kind: string): string {
  return byCode(t, `job_kind.${kind}`, {}, kind)
}
