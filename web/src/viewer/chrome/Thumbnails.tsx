import { useState, useSyncExternalStore, type DragEvent, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { type SeriesRow } from '@/api/types'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { Mark } from '@/kit/Mark'
import { type Stack } from '@/dicom/series'
import { Tip } from '@/kit/Tip'
import { paneCount } from '../hanging/shape'
import { STACK_MIME } from '../panes/Pane'
import { useDistance } from '../panes/useDistance'
import { useStackName } from '../panes/useStackName'
import { useDesk, useWorkspace } from '../state/context'
import { type OpenStudy, type SeriesEntry } from '../state/studies'
import css from './Thumbnails.module.css'

function useCount(entry: SeriesEntry, stack: Stack | undefined): string {
  const { t } = useTranslation('viewer')
  if (stack === undefined) return t('series.images', { count: entry.row.instance_count })
  if (stack.kind === 'document') return t('series.objects', { count: 1 })
  const isFrames = stack.frames.length !== stack.instanceCount
  return isFrames ? t('series.frames', { count: stack.frames.length }) : t('series.images', { count: stack.frames.length })
}

/** The server's small picture; for one part of a series, that of its own object. */
function pictureUrl(entry: SeriesEntry, stack: Stack | undefined): string {
  if (stack?.part === undefined) return entry.row.thumbnail_url
  const sop = stack.kind === 'document' ? undefined : stack.frames[Math.floor(stack.frames.length / 2)]
  if (sop === undefined) return ''
  return `/dicom-web/studies/${stack.studyUid}/series/${stack.seriesUid}/instances/${sop.sopUid}/thumbnail`
}

/** Numbers of the panes in which a series hangs now, as they are counted on the screen. */
function usePanesOf(entry: SeriesEntry, stack: Stack | undefined): string {
  return useDesk((state) =>
    state.panes
      .slice(0, paneCount(state.layout))
      .flatMap((hung, pane) => (hung !== undefined && (stack === undefined ? hung.stack.seriesUid === entry.row.series_uid : hung.stack.id === stack.id) ? [pane + 1] : []))
      .join(' '),
  )
}

/** How much of a series has been on the screen: for the reader alone. */
function SeenBar({ stack }: { stack: Stack | undefined }) {
  const { t } = useTranslation('viewer')
  const { seen } = useWorkspace()
  const id = stack?.id ?? ''
  const count = useSyncExternalStore(seen.subscribe, () => seen.countOf(id))
  const of = stack?.kind === 'images' ? stack.frames.length : 0
  if (count === 0 || of === 0) return null
  return (
    <span className={css['seen']} role="img" aria-label={t('hanging.seen', { count, of })} title={t('hanging.seen', { count, of })}>
      <span style={{ inlineSize: `${(count / of) * 100}%` }} data-all={count === of} />
    </span>
  )
}

/** Series of the study that hang nowhere and of which nothing has been seen: what could be overlooked. */
function NotShown() {
  const { t } = useTranslation('viewer')
  const { seen, studyId } = useWorkspace()
  const study = useDesk((state) => state.studies.find((open) => open.row.id === studyId))
  const layout = useDesk((state) => state.layout)
  const panes = useDesk((state) => state.panes)
  const entries = study?.series ?? []
  const unseen = useSyncExternalStore(seen.subscribe, () => {
    const hung = new Set(panes.slice(0, paneCount(layout)).map((one) => one?.stack.seriesUid))
    return entries.filter(({ row, stacks }) => isToBeSeen(row) && !hung.has(row.series_uid) && stacks.every((stack) => seen.countOf(stack.id) === 0)).length
  })
  return unseen === 0 ? null : (
    <p className={css['notShown']} data-testid="not-shown">
      {t('hanging.notShown', { count: unseen })}
    </p>
  )
}

const TO_BE_SEEN = new Set(['image', 'video', 'slide', 'parametric', 'rtdose', 'capture'])
const isToBeSeen = (row: SeriesRow): boolean => TO_BE_SEEN.has(row.facts.kind)

function Tile({ study, entry, stack }: { study: OpenStudy; entry: SeriesEntry; stack: Stack | undefined }) {
  const { t } = useTranslation('viewer')
  const workspace = useWorkspace()
  const [broken, setBroken] = useState(false)
  const panes = usePanesOf(entry, stack)
  const hangs = panes !== ''
  const count = useCount(entry, stack)
  const split = useStackName()(stack)
  const { row } = entry
  const name = row.description === '' ? t('series.unnamed') : row.description
  const url = pictureUrl(entry, stack)
  const drag = (event: DragEvent): void => {
    event.dataTransfer.setData(STACK_MIME, [study.row.id, row.id, stack?.id ?? ''].join('|'))
    event.dataTransfer.effectAllowed = 'copy'
  }
  const hang = (): void => void workspace.hangSeries(workspace.state.active, study.row.id, row.id, stack?.id)
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    hang()
  }
  // Not a <button>: browsers do not start a drag in one.
  return (
    <Tip label={name} side="right">
      <div
        role="button"
        tabIndex={0}
        className={css['tile']}
        data-hangs={hangs}
        data-relation={study.relation}
        draggable
        onDragStart={drag}
        onClick={hang}
        onKeyDown={press}
        aria-label={[t('series.hang', { name }), split, count].filter((part) => part !== '').join(', ')}
      >
        <span className={css['picture']} data-room="reading">
          {url === '' || broken ? <span className={css['noPicture']}>{row.modality}</span> : <img src={url} alt="" loading="lazy" draggable={false} onError={() => setBroken(true)} />}
          <span className={css['modality']}>{row.modality}</span>
          {hangs && (
            <span className={css['panes']} title={t('hanging.inPanes', { panes })} dir="ltr">
              {panes}
            </span>
          )}
          <SeenBar stack={stack} />
          {stack?.part !== undefined && <span className={css['part']}>{t('series.part', stack.part)}</span>}
        </span>
        <span className={css['name']} dir="auto">
          {row.number === null ? '' : `${row.number} · `}
          {name}
        </span>
        {split !== '' && (
          <span className={css['count']} dir="auto">
            {split}
          </span>
        )}
        <span className={css['count']}>{count}</span>
        <TileMarks entry={entry} />
      </div>
    </Tip>
  )
}

function TileMarks({ entry }: { entry: SeriesEntry }) {
  const { t } = useTranslation('viewer')
  const { row } = entry
  return (
    <span className={css['marks']}>
      {row.state === 'receiving' && <Mark kind="receiving" text={t('series.receiving', { count: row.instance_count })} iconOnly />}
      {row.held_count > 0 && <Mark kind="held" text={t('series.held', { count: row.held_count })} iconOnly />}
      {entry.missing > 0 && <Mark kind="partial" text={t('series.missing', { count: entry.missing })} iconOnly />}
      {entry.status === 'failed' && <Mark kind="partial" text={t('failure.series')} iconOnly />}
    </span>
  )
}

function StudyGroup({ study }: { study: OpenStudy }) {
  const { t } = useTranslation('viewer')
  const distance = useDistance(study.distance)
  const workspace = useWorkspace()
  return (
    <section className={css['group']} aria-label={study.row.description}>
      <header className={css['head']} data-relation={study.relation}>
        <span className={css['when']} data-identity>
          {study.relation !== 'current' && <strong>{t(`prior.${study.relation}`)} </strong>}
          {study.relation === 'current' ? formatDicomDate(study.row.study_date) : distance}
        </span>
        {study.relation !== 'current' && (
          <Tip label={t('prior.close')}>
            <button type="button" className={css['close']} aria-label={t('prior.close')} onClick={() => workspace.closeStudy(study.row.id)}>
              ×
            </button>
          </Tip>
        )}
        {study.row.description !== '' && (
          <span className={css['what']} dir="auto">
            {study.row.description}
          </span>
        )}
      </header>
      {study.series.flatMap((entry) =>
        (entry.stacks.length > 0 ? entry.stacks : [undefined]).map((stack) => <Tile key={stack?.id ?? entry.row.id} study={study} entry={entry} stack={stack} />),
      )}
    </section>
  )
}

/** Every series of every open study, and every part of a series that is shown in parts. */
export function Thumbnails() {
  const { t } = useTranslation('viewer')
  const studies = useDesk((state) => state.studies)
  return (
    <nav className={css['column']} aria-label={t('series.column')}>
      <NotShown />
      {studies.map((study) => (
        <StudyGroup key={study.row.id} study={study} />
      ))}
    </nav>
  )
}
