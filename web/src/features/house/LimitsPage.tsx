import { SegmentedControl } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Limits, useLimits } from '@/api/house'
import { Failed, StaleLine } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Facts, Page, Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Limits.module.css'

const SPANS = ['24', '168', '720'] as const
const WHAT = ['associations', 'volume', 'requests', 'sign_ins'] as const

/** What one caller may take or ask within a time, who came to such a limit, and what devices took of late. */
export default function LimitsPage() {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const [span, setSpan] = useState<(typeof SPANS)[number]>('24')
  const limits = useLimits(Number(span))
  const retry = (): void => void limits.refetch()
  return (
    <Page
      title={app('page.limits')}
      lead={t('limit.lead')}
      actions={
        <SegmentedControl size="xs" aria-label={app('security.span')} value={span} onChange={setSpan} data={SPANS.map((value) => ({ value, label: t(`limit.hours_${value}`) }))} />
      }
    >
      <div className={css['page']} aria-busy={limits.isLoading}>
        {limits.isError && limits.data === undefined && <Failed error={limits.error} onRetry={retry} />}
        {limits.isError && limits.data !== undefined && <StaleLine text={app('failure.stale')} onRetry={retry} />}
        {limits.isLoading && (
          <div className={css['waiting']} aria-hidden>
            <span />
            <span />
            <span />
          </div>
        )}
        {limits.data !== undefined && (
          <>
            <Met found={limits.data} />
            <Devices found={limits.data} />
            <Programs found={limits.data} />
            <Holding limits={limits.data.limits} />
          </>
        )}
      </div>
    </Page>
  )
}

function Met({ found }: { found: Limits }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  const word = (what: string): string => {
    const known = WHAT.find((one) => one === what)
    return known === undefined ? what : t(`limit.what_${known}`)
  }
  return (
    <Section title={t('limit.met')}>
      {found.items.length === 0 ? (
        <p className={form['quiet']}>{t('limit.nobody')}</p>
      ) : (
        <div className={css['wide']}>
          <table className={css['table']} aria-label={t('limit.met')}>
            <thead>
              <tr>
                <th scope="col">{t('limit.who')}</th>
                <th scope="col">{t('limit.what')}</th>
                <th scope="col">{t('limit.address')}</th>
                <th scope="col" data-number>
                  {t('limit.refused')}
                </th>
                <th scope="col">{t('limit.first')}</th>
                <th scope="col">{t('limit.last')}</th>
              </tr>
            </thead>
            <tbody>
              {found.items.map((one) => (
                <tr key={`${one.what} ${one.who} ${one.address}`}>
                  <td>
                    <strong>
                      <bdi>{one.who || t('limit.somebody')}</bdi>
                    </strong>
                  </td>
                  <td>{word(one.what)}</td>
                  <td>
                    <bdi>{one.address || '–'}</bdi>
                  </td>
                  <td data-number>{format.count(one.count)}</td>
                  <td title={format.instant(one.first_at)}>{format.relative(one.first_at)}</td>
                  <td title={format.instant(one.last_at)}>{format.relative(one.last_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

/** How full something is, as a bar with the number beside it; without a limit the number alone. */
function Of({ value, most, show }: { value: number; most: number; show: (value: number) => string }) {
  const { t } = useTranslation('access')
  if (most === 0) return <>{show(value)}</>
  const words = t('limit.of', { value: show(value), most: show(most) })
  return (
    <span className={css['of']}>
      <meter className={css['meter']} value={Math.min(value, most)} max={most} aria-label={words} />
      {value >= most ? <State tone="warning">{words}</State> : words}
    </span>
  )
}

type Volume = Pick<Limits['volumes'][number], 'instances' | 'bytes' | 'most_instances' | 'most_bytes'>

function Devices({ found }: { found: Limits }) {
  const { t } = useTranslation('access')
  const rows = found.volumes.map((one) => ({
    ...one,
    id: one.device_id,
    who: (
      <Link to={`/devices?open=${encodeURIComponent(one.device_id)}`}>
        <bdi>{one.aet}</bdi>
      </Link>
    ),
  }))
  return <Taken title={t('limit.taken')} hint={t('limit.taken_hint')} nothing={t('limit.taken_nothing')} who={t('limit.device')} rows={rows} />
}

function Programs({ found }: { found: Limits }) {
  const { t } = useTranslation('access')
  const rows = found.token_volumes.map((one) => ({ ...one, id: one.token_id, who: <bdi>{one.name}</bdi> }))
  return <Taken title={t('limit.programs')} hint={t('limit.programs_hint')} nothing={t('limit.programs_nothing')} who={t('limit.program')} rows={rows} />
}

/** What each took within the last hour, and may take. */
function Taken({ title, hint, nothing, who, rows }: { title: string; hint: string; nothing: string; who: string; rows: (Volume & { id: string; who: ReactNode })[] }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  return (
    <Section title={title}>
      <p className={css['hint']}>{hint}</p>
      {rows.length === 0 ? (
        <p className={form['quiet']}>{nothing}</p>
      ) : (
        <div className={css['wide']}>
          <table className={css['table']} aria-label={title}>
            <thead>
              <tr>
                <th scope="col">{who}</th>
                <th scope="col">{t('limit.objects')}</th>
                <th scope="col">{t('limit.bytes')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <tr key={one.id}>
                  <td>{one.who}</td>
                  <td>
                    <Of value={one.instances} most={one.most_instances} show={format.count} />
                  </td>
                  <td>
                    <Of value={one.bytes} most={one.most_bytes} show={format.bytes} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

function Holding({ limits }: { limits: Limits['limits'] }) {
  const { t } = useTranslation('access')
  const format = useFormat()
  const most = (value: number, show: (value: number) => string = format.count): string => (value === 0 ? t('limit.none') : show(value))
  return (
    <Section title={t('limit.holding')}>
      <p className={css['hint']}>{t('limit.holding_hint')}</p>
      <Facts
        items={[
          [t('limit.new_associations_per_minute'), most(limits.new_associations_per_minute)],
          [t('limit.associations'), most(limits.associations)],
          [t('limit.associations_of_address'), most(limits.associations_of_address)],
          [t('limit.hourly_instances'), most(limits.hourly_instances)],
          [t('limit.hourly_bytes'), most(limits.hourly_bytes, format.bytes)],
          [t('limit.token_hourly_instances'), most(limits.token_hourly_instances)],
          [t('limit.token_hourly_bytes'), most(limits.token_hourly_bytes, format.bytes)],
          [t('limit.requests_per_minute'), most(limits.requests_per_minute)],
          [t('limit.sign_in_tries'), most(limits.sign_in_tries)],
          [t('limit.sign_in_tries_of_address'), most(limits.sign_in_tries_of_address)],
          [t('limit.sign_in_minutes'), format.count(limits.sign_in_minutes)],
        ]}
      />
    </Section>
  )
}
