import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconFingerprint, IconLogin2 } from '@tabler/icons-react'
import { type TFunction } from 'i18next'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { keys } from '@/api/keys'
import { type HalfWay, readSession, readWays, signIn, signInByLink, signInByPasskey, signInSecond } from '@/api/session'
import { type Session } from '@/api/types'
import { passkeysWork, signWithKey, turnedAway } from '@/api/webauthn'
import { Logo } from '@/kit/Logo'
import { PasswordForm } from './PasswordForm'
import { ProofForm } from './ProofForm'
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
  const [half, setHalf] = useState<HalfWay | null>(null)
  const enter = (came: Session | HalfWay): void => ('second' in came ? setHalf(came) : onSession(came))
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
        {half !== null ? (
          <SecondForm half={half} onSession={onSession} onBack={() => setHalf(null)} />
        ) : byName || link === undefined ? (
          <>
            <NameForm over={over} onCame={enter} />
            <OtherWays onSession={onSession} />
          </>
        ) : (
          <LinkForm link={link} onSession={onSession} onHalf={setHalf} onGiveUp={() => setByName(true)} />
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

/** The second factor, after a password or a link. */
function SecondForm({ half, onSession, onBack }: { half: HalfWay; onSession: (session: Session) => void; onBack: () => void }) {
  const { t } = useTranslation()
  const { step, ways, passkey } = half.second
  return (
    <div className={css['form']}>
      <h1>{t('signin.second')}</h1>
      <p className={css['hint']}>{t('signin.second_hint')}</p>
      <ProofForm
        ways={ways}
        submit={t('signin.submit')}
        sign={passkey === null ? undefined : async () => ({ way: 'passkey', step: passkey.step, answer: await signWithKey(passkey.options) })}
        onProof={async (proof) => onSession(await signInSecond(step, proof))}
      />
      <Button variant="subtle" size="sm" onClick={onBack}>
        {t('signin.again')}
      </Button>
      <p className={css['hint']}>{t('signin.second_lost')}</p>
    </div>
  )
}

/** A passkey alone, or the sign-in of another house. */
function OtherWays({ onSession }: { onSession: (session: Session) => void }) {
  const { t } = useTranslation()
  const ways = useQuery({ queryKey: keys.ways, queryFn: readWays, staleTime: Infinity })
  const [trouble, setTrouble] = useState('')
  const [busy, setBusy] = useState(false)
  const keyed = ways.data?.passkey === true && passkeysWork()
  const oidc = ways.data?.oidc ?? null
  if (!keyed && oidc === null) return null
  const byKey = async (): Promise<void> => {
    setBusy(true)
    setTrouble('')
    try {
      onSession(await signInByPasskey())
    } catch (error) {
      if (!turnedAway(error)) setTrouble(error instanceof ApiError ? error.message : t('proof.device_failed'))
      setBusy(false)
    }
  }
  return (
    <div className={css['or']}>
      {keyed && (
        <Button size="sm" leftSection={<IconFingerprint size={16} />} loading={busy} onClick={() => void byKey()}>
          {t('signin.by_passkey')}
        </Button>
      )}
      {oidc !== null && (
        <Button size="sm" component="a" href={oidc.start} leftSection={<IconLogin2 size={16} />}>
          {t('signin.by_oidc', { name: oidc.name })}
        </Button>
      )}
      {trouble !== '' && <Trouble>{trouble}</Trouble>}
    </div>
  )
}

function NameForm({ over, onCame }: { over: boolean; onCame: (came: Session | HalfWay) => void }) {
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
      onCame(await signIn(name.trim(), password))
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

interface LinkFormProps {
  link: string
  onSession: (session: Session) => void
  onHalf: (half: HalfWay) => void
  onGiveUp: () => void
}

function LinkForm({ link, onSession, onHalf, onGiveUp }: LinkFormProps) {
  const { t } = useTranslation()
  const [session, setSession] = useState<Session | null>(null)
  const [trouble, setTrouble] = useState<ApiError | null>(null)
  const asked = useRef(false)
  useEffect(() => {
    if (asked.current) return
    // A link works once: development mode runs effects twice.
    asked.current = true
    history.replaceState(history.state, '', '/signin')
    signInByLink(link).then(
      (came) => {
        if ('second' in came) onHalf(came)
        else if (came.user.must_set_password === true) setSession(came)
        else onSession(came)
      },
      (error: unknown) => {
        if (error instanceof ApiError) setTrouble(error)
      },
    )
  }, [link, onHalf, onSession])
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
      <PasswordForm userName={session.user.name} onDone={() => void readSession().then(onSession, () => onSession(session))} />
      <Button variant="subtle" size="sm" onClick={() => onSession(session)}>
        {t('signin.later')}
      </Button>
    </div>
  )
}
