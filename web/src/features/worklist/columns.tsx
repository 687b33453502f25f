import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { type StudyRow } from '@/api/types'
import { formatDicomDate, formatDicomTime } from '@/kit/format/dicomdate'
import { formatInstant } from '@/kit/format/instant'
import { visible } from '@/kit/format/person'
import { useFormat } from '@/kit/format/useFormat'
import { Mark } from '@/kit/Mark'
import { type Column } from '@/kit/table/columns'
import { Tip } from '@/kit/Tip'
import css from './Worklist.module.css'

export function StudyState({ row }: { row: StudyRow }) {
  const { t } = useTranslation()
  const format = useFormat()
  if (row.held_count > 0) return <Mark kind="held" text={t('study.held', { count: row.held_count })} />
  if (row.state === 'receiving') {
    return <Mark kind="receiving" text={t('study.receiving', { count: row.instance_count, shown: format.count(row.instance_count) })} />
  }
  return <span className={css['quiet']}>{t('study.settled')}</span>
}

export function StudyMarks({ row }: { row: StudyRow }) {
  const { t } = useTranslation()
  return (
    <span className={css['marks']}>
      {row.held_count > 0 && <Mark kind="held" iconOnly text={t('study.held', { count: row.held_count })} />}
      {row.state === 'receiving' && <Mark kind="receiving" iconOnly text={t('study.still_receiving')} />}
      {row.unverified && <Mark kind="unverified" iconOnly />}
    </span>
  )
}

/** The study's own clock as sent, with its zone on hover when it named one. */
export function StudyWhen({ row }: { row: StudyRow }) {
  const { t } = useTranslation()
  const time = formatDicomTime(row.study_time)
  const zone = row.timezone_offset === '' ? t('study.zone_assumed') : `UTC${row.timezone_offset}`
  return (
    <bdi dir="ltr" title={`${formatDicomDate(row.study_date)} ${formatDicomTime(row.study_time, true)} (${zone})`}>
      {formatDicomDate(row.study_date)} <span className={css['quiet']}>{time}</span>
    </bdi>
  )
}

export function useStudyColumns(colours: ReadonlyMap<string, string>): Column<StudyRow>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo((): Column<StudyRow>[] => {
    const plain = (id: string, title: string, width: number, value: (row: StudyRow) => string, more: Partial<Column<StudyRow>> = {}) => ({
      id,
      title,
      width,
      cell: (row: StudyRow) => <bdi title={value(row)}>{value(row)}</bdi>,
      ...more,
    })
    const number = (id: string, title: string, width: number, value: (row: StudyRow) => number, more: Partial<Column<StudyRow>> = {}) =>
      plain(id, title, width, (row) => format.count(value(row)), { align: 'end', ...more })
    return [
      { id: 'marks', title: '!', width: 50, cell: (row) => <StudyMarks row={row} /> },
      {
        id: 'patient',
        title: t('column.patient'),
        width: 170,
        grow: 1,
        fixed: true,
        sortKey: 'patient_name',
        cell: (row) => {
          const name = format.name(row.patient.name)
          const colour = colours.get(row.patient.id)
          return (
            <span className={css['patient']} title={name}>
              {colour !== undefined && <i className={css['open']} style={{ background: colour }} aria-label={t('study.patient_open')} role="img" />}
              <bdi>{name === '' ? t('patient.no_name') : name}</bdi>
              {row.restriction !== '' && <Mark kind="restricted" iconOnly />}
            </span>
          )
        },
      },
      plain('id', t('column.id'), 112, (row) => visible(row.patient.patient_id) || '–', { sortKey: 'patient_id', grow: 0.5 }),
      plain('age', t('column.age_sex'), 62, (row) => [format.age(row.patient.birth_date, row.study_date), row.patient.sex].filter(Boolean).join(' ')),
      plain('birth', t('column.birth_date'), 88, (row) => formatDicomDate(row.patient.birth_date), { hidden: true }),
      {
        id: 'exam',
        title: t('column.exam'),
        width: 160,
        grow: 2,
        cell: (row) => (
          <bdi title={row.description}>{row.description || <span className={css['quiet']}>{t('study.no_description')}</span>}</bdi>
        ),
      },
      plain('modality', t('column.modality'), 52, (row) => row.modalities.join(' '), { sortKey: 'modality' }),
      { id: 'when', title: t('column.study_date'), width: 128, sortKey: 'study_date', cell: (row) => <StudyWhen row={row} /> },
      number('images', t('column.images'), 56, (row) => row.instance_count, { sortKey: 'instances' }),
      number('series', t('column.series'), 52, (row) => row.series_count, { hidden: true }),
      plain('priors', t('column.priors'), 50, (row) => (row.prior_count === 0 ? '–' : format.count(row.prior_count)), { align: 'end' }),
      plain('accession', t('column.accession'), 104, (row) => row.accession_number || '–', { sortKey: 'accession_number', hidden: true }),
      plain('body', t('column.body_part'), 90, (row) => row.body_part, { hidden: true }),
      plain('where', t('column.where'), 78, (row) => row.institution || row.source, { grow: 0.3 }),
      plain('source', t('column.source'), 90, (row) => row.source, { hidden: true }),
      plain('referrer', t('column.referrer'), 130, (row) => format.name(row.referring_physician), { hidden: true }),
      plain('bytes', t('column.size'), 72, (row) => format.bytes(row.bytes), { align: 'end', hidden: true }),
      {
        id: 'received',
        title: t('column.received'),
        width: 82,
        sortKey: 'received_at',
        cell: (row) => (
          <Tip label={formatInstant(row.received_at)}>
            <span>{format.relative(row.received_at)}</span>
          </Tip>
        ),
      },
      { id: 'state', title: t('column.state'), width: 122, grow: 0.4, cell: (row) => <StudyState row={row} /> },
    ]
  }, [t, format, colours])
}

/** The row on a phone: two lines. */
export function StudyCard({ row }: { row: StudyRow }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <span className={css['card']}>
      <span className={css['cardLine']}>
        <strong className={css['clip']}>
          <bdi>{format.name(row.patient.name) || t('patient.no_name')}</bdi>
        </strong>
        {row.restriction !== '' && <Mark kind="restricted" iconOnly />}
        <span className={css['fixed']}>{[format.age(row.patient.birth_date, row.study_date), row.patient.sex].filter(Boolean).join(' ')}</span>
        <span className={css['end']}>
          <StudyMarks row={row} />
          {format.relative(row.received_at)}
        </span>
      </span>
      <span className={css['cardLine']}>
        <bdi className={css['clip']}>
          {[visible(row.patient.patient_id), formatDicomDate(row.study_date), row.modalities.join(' '), row.description || t('study.no_description')].filter(Boolean).join(' · ')}
        </bdi>
        <span className={css['end']}>{row.state === 'receiving' || row.held_count > 0 ? <StudyState row={row} /> : t('study.images', { count: row.instance_count, shown: format.count(row.instance_count) })}</span>
      </span>
    </span>
  )
}
