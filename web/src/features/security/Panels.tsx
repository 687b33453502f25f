import { type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { type LogState, type Security } from '@/api/watch'
import { useFormat } from '@/kit/format/useFormat'
import { Section } from '@/kit/Page'
import { State } from '@/kit/State'
import css from './Security.module.css'

/** A number that leads to where one acts. */
function Figure({ label, value, to, tone }: { label: string; value: number; to?: string; tone?: 'warning' | 'critical' }) {
  const format = useFormat()
  const shown = <span className={css['number']}>{format.count(value)}</span>
  const said = tone !== undefined && value > 0 ? <State tone={tone}>{shown}</State> : shown
  return (
    <div className={css['figure']}>
      <dt>{label}</dt>
      <dd>{to === undefined ? said : <Link to={to}>{said}</Link>}</dd>
    </div>
  )
}

function Panel({ title, to, open, children }: { title: string; to?: string; open?: string; children: ReactNode }) {
  return (
    <div className={css['panel']}>
      <Section title={title} actions={to !== undefined && <Link to={to}>{open}</Link>}>
        {children}
      </Section>
    </div>
  )
}

interface Row {
  key: string
  cells: ReactNode[]
}

function Lines({ label, heads, rows }: { label: string; heads: string[]; rows: Row[] }) {
  if (rows.length === 0) return null
  return (
    <div className={css['scroll']} data-tall={rows.length > 8 || undefined}>
      <table className={css['table']} aria-label={label}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              {row.cells.map((cell, index) => (
                <td key={heads[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function SignIns({ found }: { found: Security }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { people, addresses, failed, unknown, minutes } = found.sign_ins
  return (
    <Panel title={t('security.sign_ins')} to="/users" open={t('page.users')}>
      <dl className={css['figures']}>
        <Figure label={t('security.failed')} value={failed} />
        <Figure label={t('security.unknown')} value={unknown} />
        <Figure label={t('security.locked_now')} value={people.filter((one) => one.locked).length} to="/users" tone="warning" />
      </dl>
      <Lines
        label={t('security.by_person')}
        heads={[t('security.person'), t('security.failed'), t('security.from'), t('security.last')]}
        rows={people.map((one) => ({
          key: one.user_id,
          cells: [
            <span key="name" className={css['who']}>
              <Link to="/audit" state={{ question: { actor: one.name, events: ['110114'], outcome: 'refused' }}}>
                <bdi>{one.name}</bdi>
              </Link>
              {one.locked && <State tone="warning">{t('security.locked')}</State>}
            </span>,
            format.count(one.failed),
            <bdi key="from">{one.addresses.join(', ')}</bdi>,
            <When key="last" at={one.last_at} />,
          ],
        }))}
      />
      <Lines
        label={t('security.by_address')}
        heads={[t('security.address'), t('security.failed'), t('security.names'), t('security.last')]}
        rows={addresses.map((one) => ({
          key: one.address,
          cells: [
            <span key="address" className={css['who']}>
              <Link to="/audit" state={{ question: { address: one.address, events: ['110114'], outcome: 'refused' }}}>
                <bdi>{one.address || '–'}</bdi>
              </Link>
              {one.locked && <State tone="warning">{t('security.locked')}</State>}
            </span>,
            format.count(one.failed),
            t('security.known_unknown', { known: format.count(one.people), unknown: format.count(one.unknown) }),
            <When key="last" at={one.last_at} />,
          ],
        }))}
      />
      <p className={css['quiet']}>{failed === 0 ? t('security.no_failed') : t('security.lockout', { minutes })}</p>
    </Panel>
  )
}

export function Peers({ found }: { found: Security }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { peers } = found
  return (
    <Panel title={t('security.peers')} to="/devices" open={t('page.devices')}>
      <dl className={css['figures']}>
        <Figure label={t('security.certified')} value={peers.certified} to="/devices?tab=certificates" />
        <Figure label={t('security.pinned')} value={peers.pinned} to="/devices" />
        <Figure label={t('security.unproved')} value={peers.unproved} to="/devices" tone="warning" />
        <Figure label={t('security.seen_today')} value={peers.seen_today} to="/devices" />
        <Figure label={t('security.receiving')} value={peers.receiving.length} />
        <Figure label={t('security.wants_in')} value={peers.wants_in} to="/devices" />
      </dl>
      <Lines
        label={t('security.unproved')}
        heads={[t('security.unproved'), t('security.address'), t('security.last')]}
        rows={peers.unproved_devices.map((one) => ({
          key: one.id,
          cells: [
            <Link key="aet" to={`/devices?open=${one.id}`}>
              {one.aet}
            </Link>,
            <bdi key="host">{one.host || '–'}</bdi>,
            one.last_seen_at === null ? t('device.never') : <When key="last" at={one.last_seen_at} />,
          ],
        }))}
      />
      <Lines
        label={t('security.refused')}
        heads={[t('security.refused'), t('security.address'), t('security.reason'), t('security.times'), t('security.last')]}
        rows={found.refused.map((one) => ({
          key: `${one.name} ${one.address} ${one.reason}`,
          cells: [
            <bdi key="name">{one.name || '–'}</bdi>,
            <Link key="address" to="/audit" state={{ question: { address: one.address, kinds: ['association.refused', 'certificate.refused'] } }}>
              <bdi>{one.address}</bdi>
            </Link>,
            <Reason key="reason" code={one.reason} />,
            format.count(one.count),
            <When key="last" at={one.last_at} />,
          ],
        }))}
      />
      {found.refused.length === 0 && <p className={css['quiet']}>{t('security.no_refused')}</p>}
    </Panel>
  )
}

const REASONS = ['unknown', 'address', 'plaintext', 'no certificate', 'unknown certificate', 'certificate of another', 'certificate revoked', 'certificate expired'] as const

/** Why somebody was turned away; the words of a failed handshake stay as OpenSSL says them. */
function Reason({ code }: { code: string }) {
  const { t } = useTranslation()
  const known = REASONS.find((one) => one === code)
  if (known === undefined) return <bdi lang="en">{code || '–'}</bdi>
  return <>{t(`security.refused_${known.replaceAll(' ', '_') as 'unknown'}`)}</>
}

export function Certificates({ found }: { found: Security }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { certificates, own_certificates: own } = found
  return (
    <Panel title={t('security.certificates')} to="/devices?tab=certificates" open={t('certificate.title')}>
      <dl className={css['figures']}>
        <Figure label={t('certificate.valid')} value={certificates.valid} to="/devices?tab=certificates" />
        <Figure label={t('certificate.soon')} value={certificates.soon} to="/devices?tab=certificates" tone="warning" />
        <Figure label={t('certificate.over')} value={certificates.over} to="/devices?tab=certificates" tone="critical" />
        <Figure label={t('certificate.revoked')} value={certificates.revoked} to="/devices?tab=certificates" />
      </dl>
      <Lines
        label={t('certificate.until')}
        heads={[t('security.whose'), t('certificate.until')]}
        rows={[
          ...own.map((one) => ({ key: one.name, cells: [t(`certificate.own_${one.name}`), format.instant(one.not_after)] })),
          ...certificates.next.map((one) => ({ key: one.fingerprint, cells: [<bdi key="aet">{one.aet}</bdi>, format.instant(one.not_after)] })),
        ]}
      />
      {found.doors !== null && !found.doors.dicom_tls && <p className={css['quiet']}>{t('security.no_tls')}</p>}
    </Panel>
  )
}

export function Programs({ found }: { found: Security }) {
  const { t } = useTranslation()
  const { sessions, tokens, glass } = found
  return (
    <Panel title={t('security.sessions')} to="/users" open={t('page.users')}>
      <dl className={css['figures']}>
        <Figure label={t('security.signed_in')} value={sessions.people} to="/users" />
        <Figure label={t('security.windows')} value={sessions.sessions} to="/users" />
        <Figure label={t('security.stations')} value={sessions.stations} to="/users" />
        <Figure label={t('security.no_second')} value={sessions.without_second_factor} to="/users" />
        <Figure label={t('security.tokens')} value={tokens.active} to="/users" />
        <Figure label={t('security.tokens_endless')} value={tokens.endless} to="/users" />
        <Figure label={t('security.tokens_unused')} value={tokens.unused} to="/users" />
        <Figure label={t('security.glass_recent')} value={glass.recent} to="/emergency" />
        <Figure label={t('security.glass_unreviewed')} value={glass.unreviewed} to="/emergency" />
      </dl>
    </Panel>
  )
}

export function Log({ log, syslog, at }: { log: LogState; syslog: boolean; at: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <Panel title={t('security.log')} to="/audit" open={t('page.audit')}>
      <dl className={css['figures']}>
        <Figure label={t('audit.sealed')} value={log.events} to="/audit" />
        <Figure label={t('audit.waiting')} value={log.waiting} to="/audit" />
        <div className={css['figure']}>
          <dt>{t('audit.checkpoint')}</dt>
          <dd title={format.instant(log.checkpoint_at)}>{log.checkpoint_at === null ? '–' : format.relative(log.checkpoint_at, Date.parse(at))}</dd>
        </div>
      </dl>
      {log.receivers.map((one) => (
        <p key={one.name} className={css['receiver']}>
          <State tone={one.failing_since === null ? 'ok' : 'critical'}>
            {one.failing_since === null
              ? t('security.sent_out', { n: format.count(one.sent), waiting: format.count(one.waiting) })
              : t('security.sending_fails', { waiting: format.count(one.waiting), when: format.relative(one.failing_since, Date.parse(at)) })}
          </State>
        </p>
      ))}
      {!syslog && <p className={css['quiet']}>{t('security.no_syslog')}</p>}
    </Panel>
  )
}

function When({ at }: { at: string }) {
  const format = useFormat()
  return <span title={format.instant(at)}>{format.relative(at)}</span>
}
