import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { type Basis } from '@/dicom/calibration'

/** What is printed beside a length about the size of a pixel; the plain case, slices with their spacing, needs no word. */
export function useBasis(): (basis: Basis) => string {
  const { t } = useTranslation('viewer')
  return useCallback((basis: Basis) => (basis === 'spacing' ? '' : t(`basis.${basis}`)), [t])
}
