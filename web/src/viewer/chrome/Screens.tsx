import { IconDevices } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'react-router'
import { notify } from '@/kit/toasts'
import { openScreens } from '../screens/open'
import { besideOf, useScreens } from '../screens/useScreens'
import { useWorkspace } from '../state/context'
import css from './Banners.module.css'
import { ToolButton } from './ToolButton'

/** One click puts this case on the other screens too. */
export function ScreensButton() {
  const { t } = useTranslation('viewer')
  const { studyId } = useWorkspace()
  const { number, desk } = besideOf(useLocation().search)
  if (number > 0) return null
  const open = async (): Promise<void> => {
    const opened = await openScreens(studyId, desk)
    if (opened === 'plain') notify('ok', t('hanging.screensNone'))
    if (opened === 'blocked') notify('warning', t('hanging.screensBlocked'))
  }
  return <ToolButton icon={IconDevices} label={t('hanging.screens')} onClick={() => void open()} />
}

/** Says that a window follows another one, and when it does not any more. */
export function BesideLine() {
  const { t } = useTranslation('viewer')
  const { number, isAlone } = useScreens(useWorkspace())
  if (number === 0) return null
  return (
    <div className={css['banner']} data-kind={isAlone ? 'emergency' : 'arrived'} role="status" data-testid="beside">
      <div className={css['text']}>{isAlone ? t('hanging.aloneNow') : t('hanging.beside')}</div>
    </div>
  )
}
