import { Button } from '@mantine/core'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { openPatientColour } from '@/kit/identity'
import { Mark } from '@/kit/Mark'
import { PatientBar } from '@/kit/PatientBar'
import { TopBar } from '@/kit/TopBarSlot'
import { Pane } from '../panes/Pane'
import { useBasis } from '../panes/useBasis'
import { useDesk, useWorkspace } from '../state/context'
import { Banners } from './Banners'
import { paneCount } from '../hanging/shape'
import css from './Desk.module.css'
import { Explain } from './Explain'
import { Hint } from './Hint'
import { KeysSheet } from './KeysSheet'
import { gridStyle, paneStyle } from './Layouts'
import { SaveHang } from './SaveHang'
import { BesideLine } from './Screens'
import { SidePanel } from './SidePanel'
import { Thumbnails } from './Thumbnails'
import { Toolbar } from './Toolbar'
import { useCases } from './useCases'
import { useKeys } from './useKeys'
import { useTeaching } from './useTeaching'

function Who() {
  const { t } = useTranslation('viewer')
  const study = useDesk((state) => state.manifest?.study)
  if (study === undefined) return null
  return (
    <TopBar>
      <PatientBar patient={study.patient} colour={openPatientColour(study.patient.id)} examDate={study.study_date} alerts={study.restriction !== '' && <Mark kind="restricted" iconOnly />}>
        {study.unverified && <Mark kind="unverified" />}
        {study.state === 'receiving' && <Mark kind="receiving" text={t('series.receiving', { count: study.instance_count })} />}
      </PatientBar>
    </TopBar>
  )
}

function Grid() {
  const layout = useDesk((state) => state.layout)
  const enlarged = useDesk((state) => state.enlarged)
  const isOne = enlarged !== undefined
  return (
    <div className={css['grid']} style={gridStyle(isOne ? { rows: 1, columns: 1 } : layout)} data-rows={layout.rows} data-columns={layout.columns} data-room="reading" dir="ltr">
      {Array.from({ length: paneCount(layout) }, (_, pane) => (
        <Pane key={pane} pane={pane} hidden={isOne && enlarged !== pane} style={isOne ? undefined : paneStyle(layout, pane)} />
      ))}
    </div>
  )
}

/** The words that the drawing code writes beside measurements follow the reader's language. */
function useMeasureWords(): void {
  const { t } = useTranslation('viewer')
  const basis = useBasis()
  const drawing = useDesk((state) => state.drawing)
  useEffect(
    () =>
      drawing?.setMeasureWords({
        basis,
        spread: (mean, deviation, unit) => t('marks.spread', { mean, deviation, unit }),
        range: (least, most) => t('marks.range', { least, most }),
      }),
    [drawing, basis, t],
  )
}

function Failed() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const error = useDesk((state) => state.error)
  return (
    <div className={css['failed']} role="alert">
      <h2>{t('failure.study')}</h2>
      {error instanceof Error && <p>{error.message}</p>}
      <div className={css['choices']}>
        <Button variant="default" onClick={() => workspace.retry()}>
          {t('failure.retry')}
        </Button>
        <Button variant="default" component={Link} to="/">
          {t('failure.back')}
        </Button>
      </div>
    </div>
  )
}

/** The reading desk: tools above, series at the side, pictures in the middle, the rest of the patient beside them. */
export function Desk() {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const status = useDesk((state) => state.status)
  const thumbnails = useDesk((state) => state.thumbnails)
  const panel = useDesk((state) => state.panel)
  useKeys(workspace)
  useTeaching(workspace)
  useCases()
  useMeasureWords()
  return (
    <main className={`${css['desk'] ?? ''} hg-reading`} aria-label={t('study.title')} data-status={status}>
      <Who />
      <Toolbar />
      <Banners />
      <BesideLine />
      {status === 'failed' ? (
        <Failed />
      ) : (
        <div className={css['body']}>
          {thumbnails && <Thumbnails />}
          <div className={css['middle']}>
            <Grid />
            <Hint />
            <KeysSheet />
            <Explain />
            <SaveHang />
          </div>
          {panel !== 'none' && <SidePanel />}
        </div>
      )}
    </main>
  )
}
