import { ActionIcon, Button } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconExclamationCircle, IconX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useToasts } from './toasts'
import css from './Toasts.module.css'

const ICONS = { ok: IconCircleCheck, warning: IconAlertTriangle, critical: IconExclamationCircle }

/** Quiet answers to what somebody did, with undo where there is one; `inBar` keeps them off the pixels of the viewer. */
export function Toasts({ inBar }: { inBar: boolean }) {
  const { t } = useTranslation()
  const { toasts, close } = useToasts()
  return (
    <div className={css['region']} data-bar={inBar || undefined} role="status" aria-live="polite">
      {toasts.map((toast) => {
        const Icon = ICONS[toast.tone]
        return (
          <div key={toast.id} className={css['toast']} data-tone={toast.tone}>
            <Icon size={16} aria-hidden />
            <span className={css['text']}>{toast.text}</span>
            {toast.action !== undefined && (
              <Button
                variant="subtle"
                onClick={() => {
                  toast.action?.run()
                  close(toast.id)
                }}
              >
                {toast.action.text}
              </Button>
            )}
            <ActionIcon aria-label={t('action.close')} onClick={() => close(toast.id)}>
              <IconX size={14} />
            </ActionIcon>
          </div>
        )
      })}
    </div>
  )
}
