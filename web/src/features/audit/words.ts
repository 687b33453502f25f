import i18next, { type TFunction } from 'i18next'

/** The events of PS3.15 A.5.3 that rows of our log can be. */
export const EVENTS = ['110100', '110101', '110102', '110103', '110104', '110105', '110106', '110107', '110112', '110113', '110114'] as const
export const ACTORS = ['user', 'token', 'device', 'caller', 'system'] as const
export const OUTCOMES = ['success', 'refused', 'failed'] as const

/** What was done, in the reader's language; a kind that has no words here is named as the log has it. */
export function kindText(t: TFunction, kind: string): string {
  const key = `audit_kind.${kind.replaceAll('.', '_')}`
  return i18next.exists(key) ? (t as unknown as (name: string) => string)(key) : kind
}

export function actorText(t: TFunction, kind: string): string {
  const known = ACTORS.find((one) => one === kind)
  return known === undefined ? kind : t(`audit.actor_${known}`)
}
