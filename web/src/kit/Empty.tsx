import { Button } from '@mantine/core'
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react'
import { type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import css from './Empty.module.css'

/** An empty list says why it is empty and what the next step is. */
export function Empty({ title, children, actions }: { title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className={css['empty']}>
      <h2>{title}</h2>
      {children !== undefined && <div className={css['text']}>{children}</div>}
      {actions !== undefined && <div className={css['actions']}>{actions}</div>}
    </div>
  )
}

/** A failure that leaves nothing to show: what happened, and the way to try again. */
export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation()
  return (
    <div className={css['empty']} role="alert">
      <h2 className={css['failure']}>
        <IconAlertTriangle size={16} aria-hidden /> {t('failure.load')}
      </h2>
      <div className={css['text']}>{error instanceof Error ? error.message : t('failure.unknown')}</div>
      <div className={css['actions']}>
        <Button leftSection={<IconRefresh size={14} />} onClick={onRetry}>
          {t('action.retry')}
        </Button>
      </div>
    </div>
  )
}

/** The line over a list that could not be renewed: what is shown is old. */
export function StaleLine({ text, onRetry }: { text: string; onRetry: () => void }) {
  const { t } = useTranslation()
  return (
    <div className={css['stale']} role="alert">
      <IconAlertTriangle size={14} aria-hidden />
      <span className={css['staleText']}>{text}</span>
      <Button size="compact-xs" onClick={onRetry}>
        {t('action.retry')}
      </Button>
    </div>
  )
}
