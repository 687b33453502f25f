import { Button, PasswordInput, TextInput } from '@mantine/core'
import { type TFunction } from 'i18next'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { signIn, signInByLink } from '@/api/session'
import { type Session } from '@/api/types'
import { Logo } from '@/kit/Logo'
import { PasswordForm } from './PasswordForm'
import css from './Signin.module.css'

/** After so many failures the page tells of the lock that may be the cause. */
const LOCK_TOLD_AFTER = 3

interface SigninProps {
  link?: string
  /** Somebody was signed in here until a moment ago. */
  over?: boolean
  onSession: (session: Session) => void
}

/** Name and password, or a one-time link and then a password of one's own. */
export function SigninPage({ link, over = false, onSession }: SigninProps) {
  const { t } = useTranslation()
  const [byName, setByName] = useState(link === undefined)
  useEffect(() => {
    document.title = `${t('signin.title')} · Heliograph`
  }, [t])
  return (
    <main className={css['page']}>
      <div className={css['box']}>
        <div className={css['brand']}>
          <Logo size={28} />
          <span>Heliograph</span>
        </div>
        {byName || link === undefined ? (
          <NameForm over={over} onSession={onSession} />
        ) : (
          <LinkForm link={link} onSession={onSession} onGiveUp={() => setByName(true)} />
        )}
      </div>
    </main>
  )
}

function Trouble({ children }: { children: ReactNode }) {
  return (
    <p className={css['trouble']} role="alert">
      {children}
    </p>
  )
}

function NameForm({ over, onSession }: { over: boolean; onSession: (session: Session) => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<ApiError | null>(null)
  const [failures, setFailures] = useState(0)
  const submit = async (): Promise<void> => {
    setBusy(true)
    setTrouble(null)
    try {
      onSession(await signIn(name.trim(), password))
    } catch (error) {
      if (error instanceof ApiError) {
        setTrouble(error)
        if (!error.offline) setFailures((count) => count + 1)
      }
      setBusy(false)
    }
  }
  return (
    <form
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <h1>{t('signin.title')}</h1>
      {over && trouble === null && (
        <p className={css['hint']} role="status">
          {t('signin.over')}
        </p>
      )}
      <TextInput
        size="sm"
        label={t('signin.name')}
        name="username"
        autoComplete="username"
        autoFocus
        required
        withAsterisk={false}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        size="sm"
        label={t('signin.password')}
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        visibilityToggleButtonProps={{ 'aria-label': t('signin.show_password') }}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {trouble !== null && <Trouble>{signinTrouble(t, trouble)}</Trouble>}
      {trouble !== null && !trouble.offline && failures >= LOCK_TOLD_AFTER && <p className={css['hint']}>{t('signin.locked')}</p>}
      <Button type="submit" size="sm" variant="filled" loading={busy} disabled={name.trim() === '' || password === ''}>
        {t('signin.submit')}
      </Button>
      <p className={css['hint']}>{t('signin.lost')}</p>
    </form>
  )
}

function signinTrouble(t: TFunction, error: ApiError): string {
  if (error.offline) return t('offline.text')
  if (error.status === 401 || error.status === 403) return t('signin.wrong')
  if (error.status === 429) return t('signin.too_many')
  return error.message
}

function LinkForm({ link, onSession, onGiveUp }: { link: string; onSession: (session: Session) => void; onGiveUp: () => void }) {
  const { t } = useTranslation()
  const [session, setSession] = useState<Session | null>(null)
  const [trouble, setTrouble] = useState<ApiError | null>(null)
  const asked = useRef(false)
  useEffect(() => {
    if (asked.current) return
    // A link works once: development mode runs effects twice.
    asked.current = true
    history.replaceState(history.state, '', '/signin')
    signInByLink(link).then(setSession, (error: unknown) => {
      if (error instanceof ApiError) setTrouble(error)
    })
  }, [link])
  if (trouble !== null) {
    return (
      <div className={css['form']}>
        <h1>{t('signin.link_failed')}</h1>
        <Trouble>{trouble.offline ? t('offline.text') : t('signin.link_spent')}</Trouble>
        <Button size="sm" onClick={onGiveUp}>
          {t('signin.by_name')}
        </Button>
      </div>
    )
  }
  if (session === null) return <p className={css['hint']}>{t('signin.checking_link')}</p>
  return (
    <div className={css['form']}>
      <h1>{t('signin.welcome', { name: session.user.display_name })}</h1>
      <p className={css['hint']}>{t('signin.set_password', { name: session.user.name })}</p>
      <PasswordForm userName={session.user.name} onDone={() => onSession(session)} />
      <Button variant="subtle" size="sm" onClick={() => onSession(session)}>
        {t('signin.later')}
      </Button>
    </div>
  )
}
