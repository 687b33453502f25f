import { Modal } from '@mantine/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/access'
import { whenStepUp } from '@/api/client'
import { passkeyProof, prove } from '@/api/session'
import { ProofForm } from '@/features/signin/ProofForm'
import { ProviderProof } from '@/features/signin/ProviderProof'
import css from './Lock.module.css'

/** Asks for a fresh proof when an act wants one; the act is sent again by whoever sent it. */
export function StepUp() {
  const { t } = useTranslation()
  const { session } = useSession()
  const [open, setOpen] = useState(false)
  const waiting = useRef<((given: boolean) => void)[]>([])
  const end = useCallback((given: boolean) => {
    setOpen(false)
    for (const tell of waiting.current.splice(0)) tell(given)
  }, [])
  useEffect(() => {
    whenStepUp(
      () =>
        new Promise<boolean>((resolve) => {
          waiting.current.push(resolve)
          setOpen(true)
        }),
    )
    return () => {
      whenStepUp(() => Promise.resolve(false))
      end(false)
    }
  }, [end])
  return (
    <Modal opened={open} onClose={() => end(false)} title={t('proof.title')} size="sm">
      <p className={css['why']}>{t('proof.why', { count: Math.round(session.step_up_minutes) })}</p>
      {session.proves_by.length === 0 && <p>{t('lock.no_way')}</p>}
      {open && session.proves_by.includes('oidc') && <ProviderProof alone={session.proves_by.length === 1} onProved={() => end(true)} />}
      <ProofForm
        ways={session.proves_by.filter((way) => way !== 'oidc')}
        submit={t('proof.confirm')}
        sign={passkeyProof}
        onProof={async (proof) => {
          await prove(proof)
          end(true)
        }}
      />
    </Modal>
  )
}
