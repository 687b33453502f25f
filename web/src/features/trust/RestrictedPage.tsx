import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type MarkedPatient, useRestricted } from '@/api/trust'
import { Empty } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { FindPatientPane, MarkPane } from './MarkPane'

const rowId = (row: MarkedPatient): string => row.id

function useColumns(): Column<MarkedPatient>[] {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<MarkedPatient>[] => [
      { id: 'name', title: app('column.patient'), width: 180, grow: 1, fixed: true, sortValue: (row) => row.name, cell: (row) => <strong><bdi>{format.name(row.name) || app('patient.no_name')}</bdi></strong> },
      { id: 'id', title: app('column.id'), width: 130, sortValue: (row) => row.patient_id, cell: (row) => <bdi>{row.patient_id}</bdi> },
      { id: 'born', title: app('patient.born'), width: 110, cell: (row) => formatDicomDate(row.birth_date) },
      { id: 'kind', title: t('restriction.kind'), width: 140, sortValue: (row) => row.restriction, cell: (row) => row.restriction !== '' && <State tone="warning">{t(`value.${row.restriction}`)}</State> },
      { id: 'reason', title: t('restriction.reason'), width: 240, grow: 1, cell: (row) => <span title={row.reason}><bdi>{row.reason}</bdi></span> },
      { id: 'by', title: t('restriction.by'), width: 130, cell: (row) => <bdi>{row.restricted_by.replace(/^\w+:/, '')}</bdi> },
      { id: 'at', title: t('restriction.at'), width: 120, sortValue: (row) => row.restricted_at ?? '', cell: (row) => <span title={format.instant(row.restricted_at)}>{format.relative(row.restricted_at)}</span> },
      { id: 'studies', title: t('site.studies'), width: 90, align: 'end', sortValue: (row) => row.studies, cell: (row) => format.count(row.studies) },
    ],
    [t, app, format],
  )
}

/** Patients whose studies are withheld from whoever is not cleared for them: who, which kind, why, since when, by whom. */
export default function RestrictedPage() {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  const patients = useRestricted()
  const selection = useSelection(patients.data?.items, rowId)
  const [finding, setFinding] = useState(false)
  const columns = useColumns()
  const shown = selection.open ? selection.row : undefined
  return (
    <Page
      title={t('restriction.title')}
      lead={t('restriction.lead')}
      actions={
        <Button variant="filled" leftSection={<IconPlus size={14} />} onClick={() => setFinding(true)}>
          {t('restriction.add')}
        </Button>
      }
      side={finding ? <FindPatientPane onClose={() => setFinding(false)} /> : shown !== undefined && <MarkPane key={shown.id} patient={shown} onClose={selection.close} />}
    >
      <ListTable
        name="restricted"
        label={t('restriction.title')}
        columns={columns}
        reading={patients}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong className={css['clip']}>{format.name(row.name) || app('patient.no_name')}</strong>
              {row.restriction !== '' && <State tone="warning">{t(`value.${row.restriction}`)}</State>}
            </span>
            <span className={css['quiet']}>{[row.patient_id, row.reason].filter(Boolean).join(' · ')}</span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => {
          setFinding(false)
          selection.show(row.id)
        }}
        onSpace={(row) => selection.show(row.id)}
        empty={<Empty title={t('restriction.none')}>{t('restriction.none_hint')}</Empty>}
      />
    </Page>
  )
}
