import { Button, Menu } from '@mantine/core'
import { IconExternalLink, IconListSearch, IconSend } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { ApiError } from '@/api/client'
import { useNodes, useSend } from '@/api/lists'
import { useManifest } from '@/api/studies'
import { type SeriesRow, type StudyManifest, type StudyRow } from '@/api/types'
import { Difference } from '@/kit/Difference'
import { Failed } from '@/kit/Empty'
import { formatDicomDate, formatDicomDateTime } from '@/kit/format/dicomdate'
import { visible } from '@/kit/format/person'
import { useFormat } from '@/kit/format/useFormat'
import { reasonText } from '@/kit/life'
import { Mark } from '@/kit/Mark'
import { Facts, SidePane } from '@/kit/Page'
import { sexWord } from '@/kit/PatientBar'
import { notify } from '@/kit/toasts'
import { StudyAccess } from './StudyAccess'
import css from './Preview.module.css'

/** What one wants to know before opening: who, what, key images, what is wrong, what was before. */
export function Preview({ row, onClose, onOpen }: { row: StudyRow; onClose: () => void; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const manifest = useManifest(row.id)
  const maySend = useMay('send.create')
  const name = format.name(row.patient.name)
  return (
    <SidePane
      title={<bdi>{name === '' ? t('patient.no_name') : name}</bdi>}
      onClose={onClose}
      footer={
        <>
          <Button variant="filled" leftSection={<IconExternalLink size={14} />} onClick={() => onOpen(row.id)}>
            {t('study.open')}
          </Button>
          {maySend && <SendMenu studyId={row.id} />}
          <Button component={Link} to="/where" state={{ text: row.study_uid }} leftSection={<IconListSearch size={14} />}>
            {t('study.life')}
          </Button>
        </>
      }
    >
      <Facts
        items={[
          [t('column.id'), [visible(row.patient.patient_id), visible(row.patient.issuer)].filter(Boolean).join(' · ')],
          [t('patient.born'), [formatDicomDate(row.patient.birth_date), format.age(row.patient.birth_date, row.study_date)].filter(Boolean).join(' · ')],
          [t('patient.sex'), sexWord(t, row.patient.sex)],
          [t('column.exam'), row.description],
          [t('column.study_date'), formatDicomDateTime(row.study_date, row.study_time)],
          [t('column.accession'), row.accession_number],
          [t('column.referrer'), format.name(row.referring_physician)],
          [t('column.where'), [row.institution, row.source].filter(Boolean).join(' · ')],
          [t('column.received'), format.instant(row.received_at)],
          [
            t('column.images'),
            `${t('study.images', { count: row.instance_count, shown: format.count(row.instance_count) })} · ${format.bytes(row.bytes)}`,
          ],
        ]}
      />
      <div className={css['marks']}>
        {row.state === 'receiving' && (
          <Mark kind="receiving" text={t('study.receiving', { count: row.instance_count, shown: format.count(row.instance_count) })} />
        )}
        {row.restriction !== '' && <Mark kind="restricted" />}
        {row.unverified && <Mark kind="unverified" text={t('study.unverified')} />}
      </div>
      {manifest.isError && manifest.data === undefined ? (
        <Failed error={manifest.error} onRetry={() => void manifest.refetch()} />
      ) : (
        <Details manifest={manifest.data} row={row} onOpen={onOpen} />
      )}
      <StudyAccess key={row.id} study={row.id} />
    </SidePane>
  )
}

function Details({ manifest, row, onOpen }: { manifest: StudyManifest | undefined; row: StudyRow; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  if (manifest === undefined) return <div className={css['waiting']} aria-busy="true" />
  return (
    <>
      {manifest.held.length > 0 && (
        <section className={css['block']}>
          <h3>
            <Mark kind="held" text={t('study.held', { count: row.held_count })} />
          </h3>
          {manifest.held.slice(0, 5).map((held) => (
            <div key={held.id} className={css['held']}>
              <p>{reasonText(t, held.reason_code, held.reason)}</p>
              <Difference rows={held.difference} />
            </div>
          ))}
          <Button component={Link} to="/quarantine" size="compact-xs">
            {t('study.to_quarantine')}
          </Button>
        </section>
      )}
      <section className={css['block']}>
        <h3>{t('study.series', { count: manifest.series.length })}</h3>
        <ul className={css['series']}>
          {manifest.series.map((series) => (
            <Series key={series.id} series={series} />
          ))}
        </ul>
      </section>
      <section className={css['block']}>
        <h3>{t('study.priors', { count: manifest.priors.length })}</h3>
        <ul className={css['priors']}>
          {manifest.priors.map((prior) => (
            <li key={prior.id}>
              <button type="button" className={css['prior']} onClick={() => onOpen(prior.id)}>
                <span>{formatDicomDate(prior.study_date)}</span>
                <span>{prior.modalities.join(' ')}</span>
                <bdi className={css['clip']}>{prior.description || t('study.no_description')}</bdi>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}

function Series({ series }: { series: SeriesRow }) {
  const { t } = useTranslation()
  const format = useFormat()
  const name = series.description || series.modality
  return (
    <li className={css['one']}>
      <span className={css['thumb']}>
        <span aria-hidden>{series.modality}</span>
        <img src={series.thumbnail_url} alt="" loading="lazy" onError={(event) => (event.currentTarget.hidden = true)} />
      </span>
      <span className={css['caption']} title={name}>
        <bdi>{name}</bdi>
      </span>
      <span className={css['count']}>
        {series.modality} · {t('study.images', { count: series.instance_count, shown: format.count(series.instance_count) })}
      </span>
    </li>
  )
}

function SendMenu({ studyId }: { studyId: string }) {
  const { t } = useTranslation()
  const nodes = useNodes().data?.items ?? []
  const send = useSend()
  if (nodes.length === 0) return null
  return (
    <Menu position="top-start">
      <Menu.Target>
        <Button leftSection={<IconSend size={14} />} loading={send.isPending}>
          {t('study.send_to')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {nodes.map((node) => (
          <Menu.Item
            key={node.id}
            onClick={() =>
              send.mutate(
                { study_id: studyId, node_id: node.id },
                {
                  onSuccess: () => notify('ok', t('study.sending_to', { node: node.name })),
                  onError: (error) => notify('critical', error instanceof ApiError ? error.message : t('failure.unknown')),
                },
              )
            }
          >
            <bdi>{node.name}</bdi>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
