import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { IconLock } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { keys } from '@/api/keys'
import { leavingTo, passkeyProof, readSession, signOut, unlock } from '@/api/session'
import { type Session } from '@/api/types'
import { ProofForm } from '@/features/signin/ProofForm'
import { ProviderProof } from '@/features/signin/ProviderProof'
import { SigninPage } from '@/features/signin/SigninPage'
import { forgetPatients } from '@/kit/identity'
import css from './Lock.module.css'

/** Stands before everything: the person comes back to what was open, another one begins anew. */
export function Lock({ session }: { session: Session }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [other, setOther] = useState(false)
  useEffect(() => {
    document.title = `${t('lock.title')} · Heliograph`
  }, [t])
  const enter = (came: Session): void => {
    if (came.user.id === session.user.id) {
      client.setQueryData(keys.session, came)
      return
    }
    // Nothing of the person before stays in this window.
    forgetPatients()
    client.clear()
    location.assign('/')
  }
  const leave = async (): Promise<void> => {
    forgetPatients()
    await signOut().catch(() => undefined)
    client.clear()
    location.assign(leavingTo(session.session.way))
  }
  if (other) {
    return (
      <div className={css['lock']}>
        <SigninPage onSession={enter} />
        <Button className={css['back'] ?? ''} variant="subtle" onClick={() => setOther(false)}>
          {t('lock.back')}
        </Button>
      </div>
    )
  }
  const ways = session.session.proves_by
  return (
    <main className={css['lock']} aria-label={t('lock.title')}>
      <div className={css['box']}>
        <IconLock size={28} aria-hidden className={css['mark']} />
        <h1>
          <bdi>{session.user.display_name}</bdi>
        </h1>
        <p className={css['hint']}>{t('lock.text')}</p>
        {ways.length === 0 ? (
          <p className={css['hint']}>{t('lock.no_way')}</p>
        ) : (
          <>
            {ways.includes('oidc') && <ProviderProof alone={ways.length === 1} onProved={() => void readSession().then(enter)} />}
            <ProofForm ways={ways.filter((way) => way !== 'oidc')} submit={t('lock.unlock')} sign={passkeyProof} onProof={async (proof) => enter(await unlock(proof))} />
          </>
        )}
        <div className={css['others']}>
          <Button variant="subtle" onClick={() => setOther(true)}>
            {t('lock.someone_else')}
          </Button>
          <Button variant="subtle" onClick={() => void leave()}>
            {t('user.sign_out')}
          </Button>
        </div>
      </div>
    </main>
  )
}
