import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import css from './Desk.module.css'

const KEY = 'heliograph.viewer.hint'

/** Three keys that help on the first day; goes away for good. */
export function Hint() {
  const { t } = useTranslation('viewer')
  const [shown, setShown] = useState(() => localStorage.getItem(KEY) === null)
  if (!shown) return null
  return (
    <div className={css['hint']}>
      <span>{t('hint.text')}</span>
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => {
          localStorage.setItem(KEY, 'seen')
          setShown(false)
        }}
      >
        {t('hint.dismiss')}
      </Button>
    </div>
  )
}
