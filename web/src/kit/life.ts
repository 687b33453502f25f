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
  const said = byCode(t, `reason.${code}`, {}, fallback)
  // The server names the attribute after its sentence: it belongs to ours too.
  const detail = said === fallback ? '' : fallback.slice(fallback.indexOf(': ') + 2)
  return detail === '' || !fallback.includes(': ') ? said : `${said.replace(/[.。]$/, '')}: ${detail}`
}

/** By which door an object came in. */
export function doorText(t: TFunction, door: string): string {
  return byCode(t, `door.${door}`, {}, door)
}

/** One event in the life of a study, in the reader's language. */
export function lifeText(t: TFunction, event: { code: string; values: Record<string, string | number>; text: string }): string {
  const { reason, error } = event.values
  const values = {
    ...event.values,
    ...(typeof reason === 'string' ? { reason: reasonText(t, reason, reason) } : {}),
    ...(typeof error === 'string' ? { error: causeText(t, error) } : {}),
  }
  return byCode(t, `life.${event.code}`, values, event.text)
}

/** What to do about it. */
export function mendText(t: TFunction, mend: { code: string; text: string }): string {
  return byCode(t, `mend.${mend.code}`, {}, mend.text)
}

/** What a job does. */
export function jobText(t: TFunction, job: { kind: string; title: string; values?: Record<string, string> }): string {
  // A sentence that names somebody is none without the name.
  if (job.kind === 'retrieve' && job.values?.['node'] === undefined) return job.title
  return byCode(t, `job_title.${job.kind}`, job.values ?? {}, job.title)
}

interface AlarmWords {
  code?: string
  values?: Record<string, string | number>
  message: string
  mend: string
}

/** What is wrong, in the reader's language. */
export function alarmText(t: TFunction, alarm: AlarmWords): string {
  const { code, values = {} } = alarm
  return code === undefined || Object.keys(values).length === 0 ? alarm.message : byCode(t, `alarm_text.${code}`, values, alarm.message)
}

/** What to do about an alarm. */
export function alarmMend(t: TFunction, alarm: AlarmWords): string {
  return alarm.code === undefined ? alarm.mend : byCode(t, `alarm_mend.${alarm.code}`, {}, alarm.mend)
}

/** How the server's sentences about the other side of a DICOM connection begin, and the sentence that says it here. */
export const CAUSES: readonly (readonly [beginning: string, problem: string])[] = [
  ['the other node does not answer', 'connect_timeout'],
  ['the name of the other node is not known', 'unknown_host'],
  ['the other node refuses the connection', 'connect_refused'],
  ['the other node does not speak DICOM', 'not_dicom'],
  ['the other node rejected the association', 'association_rejected'],
  ['the other node aborted the association', 'association_aborted'],
  ['the other node accepted none of what we proposed', 'nothing_accepted'],
  ['the node has no room', 'node_full'],
  ['the node ended without an answer', 'no_answer'],
  ['an unexpected error; the log has its place', 'bug'],
]

/** Why a job or a sending failed. It is kept as the server's sentence; what we know of it is said in the reader's language. */
export function causeText(t: TFunction, error: string | null): string {
  if (error === null) return ''
  const known = CAUSES.find(([beginning]) => error.startsWith(beginning))
  return known === undefined ? error : byCode(t, `problem.${known[1]}`, {}, error)
}

/** The kind of a job. */
export function jobKindText(t: TFunction, kind: string): string {
  return byCode(t, `job_kind.${kind}`, {}, kind)
}
