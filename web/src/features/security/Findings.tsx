import { type TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Finding, useUnusual } from '@/api/watch'
import { Failed } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import { Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Security.module.css'

const HOUR = (hour: number): string => `${String(hour).padStart(2, '0')}:00`

/** One sentence with its figures: what happened, and against what it stands out. */
function sentence(t: TFunction, one: Finding, number: (value: number) => string): string {
  const n = number(one.count)
  if (one.rule === 'many_patients') {
    const usual = one.usual ?? one.peers
    return t(one.usual === null ? 'security.many_patients_peers' : 'security.many_patients', { n, usual: number(Math.round(usual ?? 0)) })
  }
  if (one.rule === 'unusual_hours') return t('security.unusual_hours', { n, hours: one.hours.map(HOUR).join(', ') })
  if (one.rule === 'glass') {
    const word = String(one.detail['finding'])
    const known = (['open', 'overdue', 'justified', 'unjustified', 'unclear'] as const).find((item) => item === word) ?? 'open'
    return t(`security.glass_${known}`)
  }
  const rule = (['mass_retrieve', 'mass_export', 'own_record', 'same_family_name', 'restricted_patient', 'many_refused'] as const).find((item) => item === one.rule)
  return rule === undefined ? one.rule : t(`security.${rule}`, { n })
}

/** Access that somebody should look at: a reason to ask, never a verdict. */
export function Findings({ days }: { days: number }) {
  const { t } = useTranslation()
  const format = useFormat()
  const unusual = useUnusual(days)
  const items = unusual.data?.items ?? []
  return (
    <Section title={t('security.unusual')}>
      <p className={css['quiet']}>{t('security.unusual_lead', { days: unusual.data?.usual_days ?? 28 })}</p>
      {unusual.isError && <Failed error={unusual.error} onRetry={() => void unusual.refetch()} />}
      {unusual.isLoading && <p className={css['quiet']}>{t('security.counting')}</p>}
      {unusual.data !== undefined && items.length === 0 && <State tone="ok">{t('security.unusual_none')}</State>}
      {items.length > 0 && (
        <div className={css['scroll']} data-tall={items.length > 12 || undefined}>
          <table className={css['table']}>
            <thead>
              <tr>
                <th scope="col">{t('security.what')}</th>
                <th scope="col">{t('audit.who')}</th>
                <th scope="col">{t('security.patient')}</th>
                <th scope="col">{t('audit.when')}</th>
                <th scope="col">
                  <span className={css['hidden']}>{t('security.look')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((one, index) => (
                <tr key={`${one.rule} ${one.actor_id} ${one.patient_id} ${one.first_at} ${String(index)}`}>
                  <td>
                    <State tone={one.severity === 'warning' ? 'warning' : 'info'}>{sentence(t, one, format.count)}</State>
                  </td>
                  <td>
                    <bdi>{one.actor_name}</bdi>
                  </td>
                  <td>
                    <bdi>{one.patient_id || '–'}</bdi>
                  </td>
                  <td title={`${format.instant(one.first_at)} – ${format.instant(one.last_at)}`}>{format.relative(one.last_at)}</td>
                  <td className={css['act']}>
                    {one.rule === 'glass' ? <Link to="/emergency">{t('security.review')}</Link> : <LogLink one={one} />}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {unusual.data?.truncated === true && <p className={css['quiet']}>{t('security.capped')}</p>}
    </Section>
  )
}

/** To the rows behind a finding; what belongs to a patient goes with the page's state and never into the address. */
function LogLink({ one }: { one: Finding }) {
  const { t } = useTranslation()
  const until = new Date(Date.parse(one.last_at) + 1000).toISOString()
  const question = { actor: one.actor_id, actor_kind: one.actor_kind, since: one.first_at, until, ...(one.patient_id === '' ? {} : { patient_id: one.patient_id }) }
  return (
    <Link to="/audit" state={{ question }}>
      {t('security.look')}
    </Link>
  )
}
