import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { type Place, useAuditEvent } from '@/api/watch'
import { Failed } from '@/kit/Empty'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import { Facts, Section, SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import { OutcomeWord } from './LogTable'
import { actorText, kindText } from './words'
import css from './Audit.module.css'

/** A value of a record as a person can read it. */
function plain(value: unknown): string {
  if (typeof value === 'string') return value
  return JSON.stringify(value)
}

/** One row of the log: what it says, and its place in the chain, computed anew by the server. */
export function EventPane({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const event = useAuditEvent(id)
  const mayRead = useMay('study.read')
  const row = event.data
  return (
    <SidePane title={row === undefined ? t('audit.row') : kindText(t, row.kind)} onClose={onClose}>
      {event.isError && <Failed error={event.error} onRetry={() => void event.refetch()} />}
      {row !== undefined && (
        <>
          <Section title={t('audit.record')}>
            <Facts
              items={[
                [t('audit.when'), format.instant(row.at)],
                [t('audit.who'), row.actor.name || '–'],
                [t('audit.actor'), actorText(t, row.actor.kind)],
                [t('security.address'), row.actor.address],
                [t('audit.outcome'), <OutcomeWord key="outcome" row={row} />],
                [t('audit.patient_id'), row.study?.patient_id ?? ''],
                [t('audit.kind'), row.kind],
                [t('audit.event'), row.event],
                ...Object.entries(row.subject).map(([name, value]) => [name, plain(value)] as const),
                ...Object.entries(row.detail).map(([name, value]) => [name, plain(value)] as const),
              ]}
            />
            {row.study !== null && mayRead && (
              <p>
                <Link to={`/study/${row.study.id}`}>{t('audit.open_study')}</Link>
              </p>
            )}
          </Section>
          <Section title={t('audit.place')}>{row.place === null ? <State tone="waiting">{t('audit.not_sealed')}</State> : <Chain place={row.place} />}</Section>
        </>
      )}
    </SidePane>
  )
}

function Chain({ place }: { place: Place }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { checkpoint } = place
  const good = place.unchanged && (checkpoint === null || (checkpoint.signed && checkpoint.holds))
  return (
    <>
      <p className={css['verdict']}>
        {!good && <State tone="critical">{t('audit.changed')}</State>}
        {good && <State tone={checkpoint === null ? 'waiting' : 'ok'}>{t(checkpoint === null ? 'audit.unchanged_unsigned' : 'audit.unchanged')}</State>}
      </p>
      <Facts
        items={[
          [t('audit.number'), format.count(place.number)],
          [t('audit.sealed_at'), format.instant(place.sealed_at)],
          [t('audit.checkpoint'), checkpoint === null ? '' : t('audit.checkpoint_of', { number: format.count(checkpoint.number), when: isolated(format.instant(checkpoint.at)) })],
        ]}
      />
      <dl className={css['hashes']}>
        {([['leaf', place.leaf], ['chain', place.chain], ['signing_key', checkpoint?.key ?? '']] as const).map(
          ([name, value]) =>
            value !== '' && (
              <div key={name}>
                <dt>{t(`audit.${name}`)}</dt>
                <dd dir="ltr">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </>
  )
}
