import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { type Certificate, useAuthority, useCertificates, useRevoke } from '@/api/watch'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { download } from '@/kit/download'
import { Empty } from '@/kit/Empty'
import { isolated } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Facts, SidePane } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import own from './Devices.module.css'

const SOON_MS = 30 * 86_400_000
const rowId = (row: Certificate): string => row.fingerprint

type Standing = 'valid' | 'soon' | 'over' | 'revoked'

export function standingOf(row: Certificate, now: number): Standing {
  if (row.revoked_at !== null) return 'revoked'
  const left = Date.parse(row.not_after) - now
  return left <= 0 ? 'over' : left <= SOON_MS ? 'soon' : 'valid'
}

const TONES = { valid: 'ok', soon: 'warning', over: 'critical', revoked: 'stopped' } as const

export function CertificateState({ row }: { row: Certificate }) {
  const { t } = useTranslation()
  const [now] = useState(() => Date.now())
  const standing = standingOf(row, now)
  return <State tone={TONES[standing]}>{t(`certificate.${standing}`)}</State>
}

function useColumns(): Column<Certificate>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Certificate>[] => [
      { id: 'aet', title: t('device.aet'), width: 150, fixed: true, sortValue: (row) => row.aet ?? '', cell: (row) => <strong>{row.aet ?? t('certificate.no_device')}</strong> },
      { id: 'subject', title: t('certificate.subject'), width: 220, grow: 1, sortValue: (row) => row.subject, cell: (row) => <bdi>{row.subject}</bdi> },
      { id: 'issuer', title: t('certificate.issuer'), width: 130, cell: (row) => t(row.is_own ? 'certificate.ours' : 'certificate.theirs') },
      { id: 'from', title: t('certificate.from'), width: 160, hidden: true, sortValue: (row) => row.not_before, cell: (row) => format.instant(row.not_before) },
      { id: 'until', title: t('certificate.until'), width: 160, sortValue: (row) => row.not_after, cell: (row) => format.instant(row.not_after) },
      { id: 'state', title: t('column.state'), width: 150, cell: (row) => <CertificateState row={row} /> },
      { id: 'fingerprint', title: 'SHA-256', width: 170, cell: (row) => <code title={row.fingerprint} dir="ltr">{row.fingerprint.slice(0, 16)}</code> },
    ],
    [t, format],
  )
}

/** By which certificates devices are known, those that end first before others; and whom they must trust. */
export function CertificatesTab({ selected, onSelect }: { selected: string | null; onSelect: (row: Certificate | null) => void }) {
  const { t } = useTranslation()
  const certificates = useCertificates()
  const columns = useColumns()
  return (
    <>
      <AuthorityLine />
      <ListTable
        name="certificates"
        label={t('certificate.title')}
        columns={columns}
        reading={certificates}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong>{row.aet ?? t('certificate.no_device')}</strong>
              <CertificateState row={row} />
            </span>
            <span className={css['quiet']}>{row.not_after.slice(0, 10)}</span>
          </span>
        )}
        selected={selected}
        onSelect={(id) => onSelect(certificates.data?.items.find((row) => rowId(row) === id) ?? null)}
        empty={<Empty title={t('certificate.none')}>{t('certificate.none_hint')}</Empty>}
      />
    </>
  )
}

function AuthorityLine() {
  const { t } = useTranslation()
  const format = useFormat()
  const authority = useAuthority(useMay('device.read')).data
  if (authority === undefined) return null
  return (
    <section className={own['authority']} aria-label={t('certificate.authority')}>
      <div>
        <strong>{t('certificate.authority')}</strong> <bdi>{authority.subject}</bdi>
        <p className={css['quiet']}>
          {t('certificate.authority_text', { when: isolated(format.instant(authority.not_after)) })} SHA-256{' '}
          <code dir="ltr" title={authority.fingerprint}>
            {authority.fingerprint.slice(0, 16)}
          </code>
        </p>
      </div>
      <Button leftSection={<IconDownload size={14} />} onClick={() => download('heliograph-ca.pem', authority.pem, 'application/x-pem-file')}>
        {t('certificate.download')}
      </Button>
    </section>
  )
}

/** One certificate, and revoking it with a reason. */
export function CertificatePane({ row, onClose }: { row: Certificate; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const revoke = useRevoke()
  const mayManage = useMay('device.manage')
  return (
    <SidePane
      title={row.aet ?? t('certificate.no_device')}
      onClose={onClose}
      footer={
        mayManage &&
        row.revoked_at === null && (
          <Confirm
            question={t('certificate.revoke_question')}
            reason={t('certificate.reason')}
            confirm={t('certificate.revoke')}
            busy={revoke.isPending}
            onConfirm={(reason) => revoke.mutate({ fingerprint: row.fingerprint, reason }, { ...told(t('certificate.revoked_done')), onSettled: onClose })}
          >
            {t('certificate.revoke')}
          </Confirm>
        )
      }
    >
      <Facts
        items={[
          [t('column.state'), <CertificateState key="state" row={row} />],
          [t('certificate.subject'), row.subject],
          [t('certificate.issuer'), t(row.is_own ? 'certificate.ours' : 'certificate.theirs')],
          [t('certificate.from'), format.instant(row.not_before)],
          [t('certificate.until'), format.instant(row.not_after)],
          [t('certificate.revoked_at'), format.instant(row.revoked_at)],
          [t('certificate.reason'), row.revoke_reason],
          [t('certificate.serial'), row.serial],
          ['SHA-256', row.fingerprint],
        ]}
      />
    </SidePane>
  )
}
