import { Button, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import css from './Confirm.module.css'

interface ConfirmProps {
  /** The word on the button before anything is asked. */
  children: ReactNode
  /** What will happen, as a question. */
  question: string
  /** The word on the button that does it. */
  confirm: string
  /** Asks for a reason that is kept with the act. */
  reason?: string
  danger?: boolean
  busy?: boolean
  icon?: ReactNode
  onConfirm: (reason: string) => void
}

/** Irreversible acts confirm in place: the button opens into question, reason, yes and no. */
export function Confirm({ children, question, confirm, reason, danger = true, busy = false, icon, onConfirm }: ConfirmProps) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  if (!open) {
    return (
      <Button loading={busy} leftSection={icon} {...(danger ? { color: 'red', variant: 'outline' } : {})} onClick={() => setOpen(true)}>
        {children}
      </Button>
    )
  }
  const wanting = reason !== undefined && text.trim() === ''
  return (
    <form
      className={css['confirm']}
      onSubmit={(event) => {
        event.preventDefault()
        if (wanting) return
        setOpen(false)
        onConfirm(text.trim())
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        setOpen(false)
      }}
    >
      <span className={css['question']}>{question}</span>
      {reason !== undefined && (
        <TextInput
          data-autofocus
          autoFocus
          label={reason}
          value={text}
          maxLength={400}
          onChange={(event) => setText(event.currentTarget.value)}
          className={css['reason']}
        />
      )}
      <Button type="submit" autoFocus={reason === undefined} disabled={wanting} variant="filled" color={danger ? 'red' : 'blue'}>
        {confirm}
      </Button>
      <Button onClick={() => setOpen(false)}>{t('action.cancel')}</Button>
    </form>
  )
}
