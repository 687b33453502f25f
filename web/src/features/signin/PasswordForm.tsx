import { Button, PasswordInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { setPassword } from '@/api/session'
import css from './Signin.module.css'

const LEAST = 10

interface PasswordFormProps {
  /** Asks for the password that counts until now. */
  current?: boolean
  /** Lets password keepers file the new one under the right name. */
  userName?: string
  onDone: () => void
}

export function PasswordForm({ current = false, userName = '', onDone }: PasswordFormProps) {
  const { t } = useTranslation()
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState('')
  const submit = async (): Promise<void> => {
    setBusy(true)
    setTrouble('')
    try {
      await setPassword(next, current && old !== '' ? old : undefined)
      onDone()
    } catch (error) {
      setTrouble(error instanceof ApiError ? (error.code.includes('wrong_password') ? t('password.wrong') : error.message) : '')
      setBusy(false)
    }
  }
  const toggle = { 'aria-label': t('signin.show_password') }
  const short = next !== '' && next.length < LEAST
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <input className="hg-sr" type="text" name="username" autoComplete="username" value={userName} readOnly tabIndex={-1} aria-hidden />
      {current && (
        <PasswordInput
          size="sm"
          label={t('password.current')}
          description={t('password.current_hint')}
          autoComplete="current-password"
          visibilityToggleButtonProps={toggle}
          value={old}
          onChange={(event) => setOld(event.currentTarget.value)}
        />
      )}
      <PasswordInput
        size="sm"
        label={t('password.new')}
        description={t('password.rule', { count: LEAST })}
        autoComplete="new-password"
        visibilityToggleButtonProps={toggle}
        value={next}
        error={short ? t('password.short', { count: LEAST - next.length }) : undefined}
        onChange={(event) => setNext(event.currentTarget.value)}
      />
      {trouble !== '' && (
        <p className={css['trouble']} role="alert">
          {trouble}
        </p>
      )}
      <Button type="submit" size="sm" variant="filled" loading={busy} disabled={next.length < LEAST}>
        {t('password.save')}
      </Button>
    </form>
  )
}
