import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAuditState, useVerifyLog, type Verification } from '@/api/watch'
import { told } from '@/kit/act'
import { useFormat } from '@/kit/format/useFormat'
import { State } from '@/kit/State'
import { Tip } from '@/kit/Tip'
import css from './Audit.module.css'

/** How the log stands, and the button that verifies all of it. */
export function LogStateLine() {
  const { t } = useTranslation()
  const format = useFormat()
  const state = useAuditState()
  const verify = useVerifyLog()
  const log = state.data?.log
  if (log === undefined || log === null) return null
  const last = state.data?.verification ?? null
  const busy = last !== null && ['queued', 'running'].includes(last.state)
  return (
    <div className={css['stateLine']}>
      <Tip label={t('audit.key', { key: log.key.slice(0, 16) })}>
        <span>
          <State tone="info">
            {t('audit.signed', { events: format.count(log.checkpoint_size), when: format.relative(log.checkpoint_at) })}
          </State>
        </span>
      </Tip>
      <Verified last={last} />
      <Button size="compact-xs" loading={busy || verify.isPending} onClick={() => verify.mutate(undefined, told())}>
        {t('audit.verify')}
      </Button>
    </div>
  )
}

function Verified({ last }: { last: Verification | null }) {
  const { t } = useTranslation()
  const format = useFormat()
  if (last === null) return <State tone="idle">{t('audit.never_verified')}</State>
  if (last.state === 'queued' || last.state === 'running') return <State tone="running">{t('audit.verifying', { events: format.count(last.events) })}</State>
  if (last.findings.length > 0)
    return (
      <Tip label={last.findings.slice(0, 5).join('\n')}>
        <span>
          <State tone="critical">{t('audit.findings', { number: format.count(last.findings.length), when: format.relative(last.finished_at) })}</State>
        </span>
      </Tip>
    )
  if (last.state !== 'done') return <State tone="warning">{t('audit.verify_failed', { when: format.relative(last.finished_at) })}</State>
  return <State tone="ok">{t('audit.verified', { events: format.count(last.events), when: format.relative(last.finished_at) })}</State>
}
