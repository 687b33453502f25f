import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { tellProof } from '@/api/session'
import css from '@/features/signin/Signin.module.css'

/** `/proved#ok`: the small window came back from the provider; it tells the one that waits and goes. */
export function ProvedRoute() {
  const { t } = useTranslation()
  const given = location.hash === '#ok'
  useEffect(() => {
    document.title = 'Heliograph'
    tellProof(given)
    window.close()
  }, [given])
  return (
    <main className={css['page']}>
      <div className={css['box']} role="status">
        <p>{t(given ? 'proof.outside_done' : 'proof.outside_failed')}</p>
        <p className={css['hint']}>{t('proof.outside_close')}</p>
      </div>
    </main>
  )
}
