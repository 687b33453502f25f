import { Button } from '@mantine/core'
import { IconUrgent } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useNavigate } from 'react-router'
import { keys } from '@/api/keys'
import { useEndGlass } from '@/api/trust'
import { told } from '@/kit/act'
import { useFormat } from '@/kit/format/useFormat'
import { useDesk } from '../state/context'
import css from './Banners.module.css'

/** What a timer can wait for at most. */
const LONGEST_MS = 2 ** 31 - 1

/** True from that moment on. */
function useOver(at: string): boolean {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), Math.min(LONGEST_MS, Math.max(0, Date.parse(at) - Date.now())))
    return () => clearTimeout(timer)
  }, [at])
  return over
}

/** Guard 10: who is here by a broken glass sees that all the time, and until when, and can give it up. */
export function Emergency() {
  const emergency = useDesk((state) => state.manifest?.emergency ?? null)
  return emergency === null ? null : <Bar key={emergency.id} id={emergency.id} until={emergency.expires_at} />
}

function Bar({ id, until }: { id: string; until: string }) {
  const { t } = useTranslation('viewer')
  const format = useFormat()
  const client = useQueryClient()
  const navigate = useNavigate()
  const end = useEndGlass()
  const over = useOver(until)
  const leave = (): void => {
    told(t('emergency.ended')).onSuccess()
    // Nothing of the patient stays in this window.
    client.removeQueries({ queryKey: keys.studies })
    client.removeQueries({ queryKey: ['study'] })
    void navigate('/')
  }
  return (
    <div className={css['banner']} data-kind="emergency" role="status" data-testid="emergency">
      <IconUrgent size={16} aria-hidden />
      <div className={css['text']}>
        {over ? (
          <strong>{t('emergency.over')}</strong>
        ) : (
          <>
            <strong>{t('emergency.here')}</strong> <span className={css['reason']}>{t('emergency.until', { when: format.instant(until) })}</span>
          </>
        )}
      </div>
      {over ? (
        <Button size="compact-xs" variant="default" component={Link} to="/">
          {t('failure.back')}
        </Button>
      ) : (
        <Button size="compact-xs" variant="default" loading={end.isPending} onClick={() => end.mutate(id, { onSuccess: leave, onError: told().onError })}>
          {t('emergency.end')}
        </Button>
      )}
    </div>
  )
}
