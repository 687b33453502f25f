import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useAcknowledge, useAlarms } from '@/api/lists'
import { type Alarm } from '@/api/types'
import { told } from '@/kit/act'
import { Empty, Failed, StaleLine } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import { alarmMend, alarmText } from '@/kit/life'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Alarms.module.css'

/** What needs a person now: what happened, since when, and what to do. */
export function AlarmsPage() {
  const { t } = useTranslation()
  const alarms = useAlarms()
  const items = alarms.data?.items ?? []
  const retry = (): void => void alarms.refetch()
  return (
    <Page title={t('page.alarms')} lead={t('alarm.lead')}>
      {alarms.isError && alarms.data === undefined && <Failed error={alarms.error} onRetry={retry} />}
      {alarms.isError && alarms.data !== undefined && <StaleLine text={t('failure.stale')} onRetry={retry} />}
      {alarms.data !== undefined && items.length === 0 && <Empty title={t('alarm.none')}>{t('alarm.none_hint')}</Empty>}
      <ul className={css['list']}>
        {items.map((alarm) => (
          <Line key={alarm.id} alarm={alarm} />
        ))}
      </ul>
    </Page>
  )
}

function Line({ alarm }: { alarm: Alarm }) {
  const { t } = useTranslation()
  const format = useFormat()
  const acknowledge = useAcknowledge()
  const mayManage = useMay('alarm.manage')
  return (
    <li className={css['alarm']} data-seen={alarm.acknowledged_by !== null || undefined}>
      <State tone={alarm.severity}>{t(`alarm.${alarm.severity}`)}</State>
      <div className={css['text']}>
        <p className={css['message']}>{alarmText(t, alarm)}</p>
        <p className={css['mend']}>{alarmMend(t, alarm)}</p>
        <p className={css['since']}>
          <span title={format.instant(alarm.since)}>{t('alarm.since', { when: format.relative(alarm.since) })}</span>
          {alarm.acknowledged_by !== null && <span> · {t('alarm.seen_by', { name: alarm.acknowledged_by })}</span>}
        </p>
      </div>
      {mayManage && alarm.acknowledged_by === null && (
        <Button loading={acknowledge.isPending} onClick={() => acknowledge.mutate(alarm.id, told())}>
          {t('alarm.acknowledge')}
        </Button>
      )}
    </li>
  )
}
