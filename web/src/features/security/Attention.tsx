import { type TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type Security } from '@/api/watch'
import { isolated } from '@/kit/format/instant'
import { useFormat, type Format } from '@/kit/format/useFormat'
import { State, type Tone } from '@/kit/State'
import css from './Security.module.css'

interface Point {
  id: string
  tone: Tone
  text: string
  to: string
}

const SOON_MS = 30 * 86_400_000
const LATE_MS = 15 * 60_000

/** What needs somebody, gravest first. */
export function points(found: Security, t: TFunction, format: Format): Point[] {
  const made: Point[] = []
  const add = (tone: Tone, id: string, count: number, to: string): void => {
    if (count > 0) made.push({ id, tone, text: t(`security.point_${id}` as 'security.point_wants', { n: format.count(count) }), to })
  }
  const at = Date.parse(found.at)
  for (const own of found.own_certificates) {
    const left = Date.parse(own.not_after) - at
    if (left < SOON_MS) made.push({ id: own.name, tone: left > 0 ? 'warning' : 'critical', text: t(`security.own_${own.name}`, { when: isolated(format.instant(own.not_after)) }), to: '/devices?tab=certificates' })
  }
  const log = found.audit
  if (log?.receivers.some((one) => one.failing_since !== null) === true) made.push({ id: 'syslog', tone: 'critical', text: t('security.point_syslog'), to: '/alarms' })
  if (log !== null && log.waiting > 0 && log.checkpoint_at !== null && at - Date.parse(log.checkpoint_at) > LATE_MS) made.push({ id: 'late', tone: 'critical', text: t('security.point_late'), to: '/audit' })
  add('critical', 'over', found.certificates.over, '/devices?tab=certificates')
  add('critical', 'overdue', found.glass.overdue, '/emergency')
  add('warning', 'locked', found.sign_ins.people.filter((one) => one.locked).length, '/users')
  add('warning', 'soon', found.certificates.soon, '/devices?tab=certificates')
  add('warning', 'unproved', found.peers.unproved, '/devices')
  add('waiting', 'wants', found.peers.wants_in, '/devices')
  add('waiting', 'glass', found.glass.unreviewed - found.glass.overdue, '/emergency')
  const rank: Partial<Record<Tone, number>> = { critical: 0, warning: 1 }
  return made.sort((left, right) => (rank[left.tone] ?? 2) - (rank[right.tone] ?? 2))
}

/** The first thing on the page: a short list, or the word that nothing is open. */
export function Attention({ found }: { found: Security }) {
  const { t } = useTranslation()
  const format = useFormat()
  const list = points(found, t, format)
  return (
    <section className={css['attention']} aria-label={t('security.attention')}>
      {list.length === 0 && <State tone="ok">{t('security.nothing')}</State>}
      <ul>
        {list.map((point) => (
          <li key={point.id}>
            <Link to={point.to} className={css['point'] ?? ''}>
              <State tone={point.tone}>{point.text}</State>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
