import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePolicy } from '@/api/trust'
import { Failed, StaleLine } from '@/kit/Empty'
import { Page } from '@/kit/Page'
import { Explain } from './Explain'
import { History } from './History'
import { Rules } from './Rules'
import css from './Trust.module.css'

const TABS = ['rules', 'explain', 'history'] as const
type Tab = (typeof TABS)[number]

/** Who may see what, as data: the rules, why somebody sees a study or not, and how the rules came to be. */
export default function PolicyPage() {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const [tab, setTab] = useState<Tab>('rules')
  const policy = usePolicy()
  const retry = (): void => void policy.refetch()
  return (
    <Page
      title={t('policy.title')}
      lead={t(`policy.${tab}_lead`)}
      toolbar={
        <SegmentedControl
          size="xs"
          aria-label={t('policy.title')}
          value={tab}
          onChange={(value) => setTab(value)}
          data={TABS.map((value) => ({ value, label: t(`policy.${value}`) }))}
        />
      }
    >
      <div className={css['scroll']}>
        {policy.isError && policy.data === undefined && <Failed error={policy.error} onRetry={retry} />}
        {policy.isError && policy.data !== undefined && <StaleLine text={app('failure.stale')} onRetry={retry} />}
        {policy.isLoading && tab !== 'explain' && (
          <div className={css['waiting']} aria-busy>
            <span />
            <span />
            <span />
          </div>
        )}
        {policy.data !== undefined && tab === 'rules' && <Rules key={policy.data.version} policy={policy.data} />}
        {policy.data !== undefined && tab === 'history' && <History policy={policy.data} onRestored={() => setTab('rules')} />}
        {tab === 'explain' && <Explain />}
      </div>
    </Page>
  )
}
