import { type TFunction } from 'i18next'
import { GLASS_REASONS } from '@/api/glass'

/** The kind of reason in the reader's language. */
export function glassReason(t: TFunction, code: string): string {
  const known = GLASS_REASONS.find((one) => one === code)
  return known === undefined ? code : t(`withheld.${known}`)
}
