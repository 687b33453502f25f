import { useTranslation } from 'react-i18next'
import { type TimeDistance } from '@/dicom/timedistance'

/** `14 months`; empty when it is not known. */
export function useDistance(distance: TimeDistance | undefined): string {
  const { t } = useTranslation('viewer')
  if (distance === undefined) return ''
  return distance.value === 0 ? t('prior.sameDay') : t(`prior.${distance.unit}`, { count: distance.value })
}
