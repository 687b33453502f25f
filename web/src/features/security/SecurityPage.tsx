import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Security, useSecurity } from '@/api/watch'
import { Failed, StaleLine } from '@/kit/Empty'
import { Page } from '@/kit/Page'
import { Attention } from './Attention'
import { Certificates, Log, Peers, Programs, SignIns } from './Panels'
import { Findings } from './Findings'
import css from './Security.module.css'

const SPANS = ['1', '7', '30'] as const

/** Who looks after security sees what needs somebody first, then everything by subject. Every number leads to where one acts. */
export function SecurityPage() {
  const { t } = useTranslation()
  const [span, setSpan] = useState<(typeof SPANS)[number]>('7')
  const state = useSecurity(Number(span))
  const retry = (): void => void state.refetch()
  return (
    <Page
      title={t('page.security')}
      lead={t('security.lead')}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={t('security.span')}
          value={span}
          onChange={setSpan}
          data={SPANS.map((value) => ({ value, label: t(`security.days_${value}`) }))}
        />
      }
    >
      <div className={css['page']}>
        {state.isError && state.data === undefined && <Failed error={state.error} onRetry={retry} />}
        {state.isError && state.data !== undefined && <StaleLine text={t('failure.stale')} onRetry={retry} />}
        {state.isLoading && <Waiting />}
        {state.data !== undefined && <Everything found={state.data} days={Number(span)} />}
      </div>
    </Page>
  )
}

function Everything({ found, days }: { found: Security; days: number }) {
  return (
    <>
      <Attention found={found} />
      <Findings days={days} />
      <div className={css['grid']}>
        <SignIns found={found} />
        <Peers found={found} />
        <Certificates found={found} />
        <Programs found={found} />
        {found.audit !== null && <Log log={found.audit} syslog={found.doors?.syslog === true} at={found.at} />}
      </div>
    </>
  )
}

function Waiting() {
  return (
    <div className={css['waiting']} aria-busy>
      {[0, 1, 2, 3].map((line) => (
        <span key={line} />
      ))}
    </div>
  )
}
