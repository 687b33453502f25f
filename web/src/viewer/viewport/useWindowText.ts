import { useTranslation } from 'react-i18next'
import { type ViewportState } from './types'

const rounded = (value: number): string => String(Math.abs(value) >= 20 ? Math.round(value) : Number(value.toPrecision(3)))

/** `W 80 L 40`, or the name of the table in use; empty for colour. */
export function useWindowText(state: ViewportState): string {
  const { t } = useTranslation('viewer')
  const { voi, picture } = state
  if (voi === undefined || picture === undefined || picture.colour) return ''
  if (voi.kind === 'lut') return voi.lut.explanation === '' ? t('viewport.table') : t('viewport.tableNamed', { name: voi.lut.explanation })
  return t('viewport.window', { width: rounded(voi.width), center: rounded(voi.center) })
}
