import { ActionIcon, Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type PriorRow, type StudyRow } from '@/api/types'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { isLater, timeDistance } from '@/dicom/timedistance'
import { useDistance } from '../panes/useDistance'
import { useDesk, useWorkspace } from '../state/context'
import { MarksPanel } from './MarksPanel'
import css from './SidePanel.module.css'

/** Why the archive thinks that it belongs beside this study, and its reports. */
function Relevance({ row }: { row: PriorRow }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const known = row.relevance.reasons.filter((reason): reason is Reason => REASONS.has(reason))
  return (
    <>
      {known.length > 0 && <p className={css['quiet']}>{known.map((reason) => t(`hanging.reason.${reason}`)).join(' · ')}</p>}
      {row.documents > 0 && (
        <Button size="compact-xs" variant="default" onClick={() => void workspace.openReports(row).catch(() => undefined)}>
          {t('hanging.reports', { count: row.documents })}
        </Button>
      )}
    </>
  )
}

type Reason = 'same_modality' | 'similar_modality' | 'same_body_part' | 'near_body_part' | 'other_body_part' | 'unknown_body_part' | 'same_side' | 'other_side' | 'recent'
const REASONS: ReadonlySet<string> = new Set<Reason>(['same_modality', 'similar_modality', 'same_body_part', 'near_body_part', 'other_body_part', 'unknown_body_part', 'same_side', 'other_side', 'recent'])

function Prior({ row, current }: { row: PriorRow; current: StudyRow }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const isOpen = useDesk((state) => state.studies.some((study) => study.row.id === row.id))
  const [failed, setFailed] = useState(false)
  const later = isLater(current, row)
  const relation = later === null ? 'undated' : later ? 'later' : 'prior'
  const distance = useDistance(timeDistance(current.study_date, row.study_date))
  return (
    <li className={css['prior']} data-relation={relation}>
      <div className={css['row']}>
        <strong className={css['relation']}>{t(`prior.${relation}`)}</strong>
        <span>{distance}</span>
        <span className={css['quiet']} data-identity>
          {formatDicomDate(row.study_date)}
        </span>
      </div>
      <div dir="auto">
        {row.modalities.join(' ')} {row.description}
      </div>
      <div className={css['row']}>
        <span className={css['quiet']}>{t('series.images', { count: row.instance_count })}</span>
        {isOpen ? (
          <Button size="compact-xs" variant="default" onClick={() => workspace.closeStudy(row.id)}>
            {t('prior.close')}
          </Button>
        ) : (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              setFailed(false)
              workspace.openPrior(row).catch(() => setFailed(true))
            }}
          >
            {t('prior.open')}
          </Button>
        )}
      </div>
      <Relevance row={row} />
      {failed && <p className={css['failed']}>{t('prior.failed')}</p>}
    </li>
  )
}

function Priors() {
  const { t } = useTranslation('viewer')
  const priors = useDesk((state) => state.priors)
  const current = useDesk((state) => state.manifest?.study)
  if (current === undefined) return null
  return (
    <section>
      <h3>{t('prior.title')}</h3>
      {priors.length === 0 ? (
        <p className={css['quiet']}>{t('prior.none')}</p>
      ) : (
        <ul className={css['list']}>
          {priors.map((row) => (
            <Prior key={row.id} row={row} current={current} />
          ))}
        </ul>
      )}
    </section>
  )
}

/** What lies beside the pictures: other studies of the patient, measurements. */
export function SidePanel() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  return (
    <aside className={css['panel']} aria-label={t('action.panel')}>
      <ActionIcon className={css['close'] ?? ''} variant="subtle" size={24} aria-label={t('action.close')} onClick={() => workspace.set({ panel: 'none' })}>
        <IconX size={16} />
      </ActionIcon>
      <Priors />
      <MarksPanel />
    </aside>
  )
}
