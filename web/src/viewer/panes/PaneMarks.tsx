import { IconStarFilled } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { mayNameSomebody } from '@/dicom/burnt'
import { useStore } from 'zustand'
import { visible } from '@/kit/format/person'
import { useFormat } from '@/kit/format/useFormat'
import { useDesk, useWorkspace } from '../state/context'
import { type OpenStudy } from '../state/studies'
import { type Hung } from '../state/desk'
import { type ViewportState } from '../viewport/types'
import { Arrangement } from './Arrangement'
import css from './Pane.module.css'
import { useDistance } from './useDistance'

function Relation({ study }: { study: OpenStudy }) {
  const { t } = useTranslation('viewer')
  const distance = useDistance(study.distance)
  if (study.relation === 'current') return null
  return (
    <span className={css['relation']} data-relation={study.relation}>
      <strong>{t(`prior.${study.relation}`)}</strong>
      {distance !== '' && <span> {distance}</span>}
    </span>
  )
}

/** What must not be overlooked: another time, another person, a mirrored or inverted picture. */
export function PaneMarks({ pane, state, hung }: { pane: number; state: ViewportState; hung: Hung | undefined }) {
  const { t } = useTranslation('viewer')
  const format = useFormat()
  const study = useDesk((desk) => desk.studies.find((candidate) => candidate.row.id === hung?.studyId))
  const twoPatients = useDesk((desk) => desk.panes.some((item) => desk.studies.some((open) => open.row.id === item?.studyId && open.isOtherPatient)))
  const level = useDesk((desk) => desk.overlay)
  const teaching = useDesk((desk) => desk.teaching)
  const frame = state.picture?.frame
  const isKey = useStore(useWorkspace().marks.store, ({ marks }) =>
    marks.some(({ body }) => body.kind === 'key' && body.image.sop_uid === frame?.sopUid && body.image.frame === frame.number),
  )
  const mirrored = state.flipHorizontal !== state.flipVertical
  if (hung === undefined) return null
  return (
    <div className={css['marks']} data-testid={`marks-${pane}`}>
      {twoPatients && study !== undefined && (
        <span className={css['otherPatient']} data-identity>
          {t('prior.otherPatient')}: <bdi>{format.name(study.row.patient.name)}</bdi> <bdi>{visible(study.row.patient.patient_id)}</bdi>
        </span>
      )}
      {study !== undefined && <Relation study={study} />}
      {state.status === 'ready' && state.picture?.reduction !== undefined && (
        <span className={css['flipped']} data-testid="reduced">
          {t('speed.reduced')}
        </span>
      )}
      {isKey && (
        <span className={css['key']}>
          <IconStarFilled size={12} aria-hidden /> {t('marks.keyHere')}
        </span>
      )}
      {state.status === 'ready' && mirrored && <span className={css['flipped']}>{t('overlay.flipped')}</span>}
      {state.status === 'ready' && state.inverted && <span className={css['inverted']}>{t('overlay.inverted')}</span>}
      {teaching && state.picture !== undefined && mayNameSomebody(state.picture.frame.attributes) && (
        <span className={css['flipped']} data-testid="burnt">
          {t('display.teaching.burnt')}
        </span>
      )}
      {state.status === 'ready' && state.stack !== undefined && level !== 'none' && <Arrangement key={state.stack.id} stack={state.stack} />}
    </div>
  )
}
