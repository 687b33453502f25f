import { Button, NumberInput } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAcceptDevice, useDismissDevice } from '@/api/lists'
import { type PagedList } from '@/api/pages'
import { type Service, type WantsIn } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { StaleLine } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { State } from '@/kit/State'
import { More } from '@/kit/table/ListTable'
import { ServiceBoxes } from './DevicePane'
import css from './Devices.module.css'

/** Callers that nobody registered: one click lets them in for good. */
export function WantsInList({ reading, mayManage }: { reading: PagedList<WantsIn>; mayManage: boolean }) {
  const { t } = useTranslation()
  const items = reading.data?.items ?? []
  const failed = reading.error !== null
  if (items.length === 0 && !failed) return null
  return (
    <section className={css['wants']} aria-label={t('wants.title')}>
      <h2>
        <State tone="warning">{t('wants.title')}</State>
      </h2>
      <p className={form['quiet']}>{t('wants.lead')}</p>
      {failed && <StaleLine text={t('failure.stale')} onRetry={() => void reading.refetch()} />}
      <ul className={css['callers']}>
        {items.map((item) => (
          <Caller key={item.id} item={item} mayManage={mayManage} />
        ))}
      </ul>
      {reading.hasMore && <More read={reading.read} loading={reading.loadingMore} onMore={reading.more} />}
    </section>
  )
}

const SHOWN = 3

function Caller({ item, mayManage }: { item: WantsIn; mayManage: boolean }) {
  const { t } = useTranslation()
  const format = useFormat()
  const accept = useAcceptDevice()
  const dismiss = useDismissDevice()
  const [choosing, setChoosing] = useState(false)
  const [allow, setAllow] = useState<Service[]>(['echo', 'store'])
  const [port, setPort] = useState<number | null>(104)
  const more = item.proposals.length - SHOWN
  const opened = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (choosing) opened.current?.scrollIntoView({ block: 'nearest' })
  }, [choosing])
  return (
    <li className={css['caller']}>
      <div className={css['about']}>
        <div className={css['who']}>
          <strong>{item.aet}</strong>
          <span>{item.address}</span>
          <span className={form['quiet']} title={format.instant(item.last_seen_at)}>
            {t('wants.calls', { count: item.associations, when: format.relative(item.last_seen_at) })}
          </span>
          <span>{t('wants.stored', { count: item.stored_count, shown: format.count(item.stored_count) })}</span>
          {item.refused_count > 0 && <State tone="warning">{t('wants.refused', { count: item.refused_count, shown: format.count(item.refused_count) })}</State>}
        </div>
        <p className={form['quiet']} title={item.proposals.join('\n')}>
          {item.proposals.slice(0, SHOWN).join(' · ')}
          {more > 0 && ` · ${t('wants.more', { count: more })}`}
        </p>
      </div>
      {mayManage && !choosing && (
        <div className={form['buttons']}>
          <Button variant="filled" onClick={() => setChoosing(true)}>
            {t('wants.accept')}
          </Button>
          <Confirm
            danger={false}
            question={t('wants.dismiss_question')}
            confirm={t('wants.dismiss')}
            onConfirm={() => dismiss.mutate(item.id, told())}
          >
            {t('wants.dismiss')}
          </Confirm>
        </div>
      )}
      {choosing && (
        <form
          ref={opened}
          className={`${form['form'] ?? ''} ${css['choosing'] ?? ''}`}
          onSubmit={(event) => {
            event.preventDefault()
            accept.mutate({ id: item.id, allow, ...(port === null ? {} : { port }) }, told(t('wants.accepted', { aet: item.aet })))
          }}
        >
          <ServiceBoxes value={allow} onChange={setAllow} />
          <NumberInput
            className={css['port'] ?? ''}
            label={t('wants.port')}
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            value={port ?? ''}
            onChange={(value) => setPort(typeof value === 'number' ? value : null)}
          />
          <div className={form['buttons']}>
            <Button type="submit" variant="filled" loading={accept.isPending}>
              {t('wants.accept')}
            </Button>
            <Button onClick={() => setChoosing(false)}>{t('action.cancel')}</Button>
          </div>
        </form>
      )}
    </li>
  )
}
