import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type AuditQuestion, type AuditRow, useAudit } from '@/api/watch'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { Questions } from './Questions'
import { actorText, kindText } from './words'

const rowId = (row: AuditRow): string => row.id

export function OutcomeWord({ row }: { row: Pick<AuditRow, 'outcome'> }) {
  const { t } = useTranslation()
  return <State tone={row.outcome === 'success' ? 'ok' : row.outcome === 'refused' ? 'warning' : 'critical'}>{t(`audit.outcome_${row.outcome}`)}</State>
}

function useColumns(): Column<AuditRow>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<AuditRow>[] => [
      { id: 'at', title: t('audit.when'), width: 150, fixed: true, cell: (row) => format.instant(row.at) },
      { id: 'who', title: t('audit.who'), width: 170, grow: 1, cell: (row) => <strong><bdi>{row.actor.name || '–'}</bdi></strong> },
      { id: 'actor', title: t('audit.actor'), width: 110, cell: (row) => actorText(t, row.actor.kind) },
      { id: 'kind', title: t('audit.what'), width: 230, grow: 2, cell: (row) => <span title={row.kind}>{kindText(t, row.kind)}</span> },
      { id: 'patient', title: t('security.patient'), width: 150, grow: 1, cell: (row) => <bdi>{row.study?.patient_id ?? ''}</bdi> },
      { id: 'outcome', title: t('audit.outcome'), width: 120, cell: (row) => <OutcomeWord row={row} /> },
      { id: 'address', title: t('security.address'), width: 130, cell: (row) => <bdi>{row.actor.address}</bdi> },
      { id: 'event', title: t('audit.event'), width: 90, hidden: true, cell: (row) => row.event },
      { id: 'number', title: t('audit.number'), width: 90, hidden: true, align: 'end', cell: (row) => (row.number === null ? '–' : format.count(row.number)) },
    ],
    [t, format],
  )
}

/** The log, latest first, under a question. */
export function LogTable({ first, onOpen }: { first: AuditQuestion; onOpen: (id: string) => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const [question, setQuestion] = useState(first)
  const rows = useAudit(question)
  const columns = useColumns()
  const [selected, select] = useState<string | null>(null)
  return (
    <>
      <Questions first={first} onAsk={setQuestion} />
      <ListTable
        name="audit"
        label={t('page.audit')}
        columns={columns}
        reading={rows}
        rowId={rowId}
        resetKey={JSON.stringify(question)}
        byHand
        card={(row) => (
          <span className={form['card']}>
            <span className={form['line']}>
              <strong>
                <bdi>{row.actor.name || '–'}</bdi>
              </strong>
              <OutcomeWord row={row} />
            </span>
            <span className={form['line']}>
              <span className={form['clip']}>{kindText(t, row.kind)}</span>
              <span className={form['quiet']}>{format.instant(row.at)}</span>
            </span>
          </span>
        )}
        selected={selected}
        onSelect={(id) => {
          select(id)
          if (id !== null) onOpen(id)
        }}
        onOpen={(row) => onOpen(row.id)}
        empty={<Empty title={t('audit.none')}>{t('audit.none_hint')}</Empty>}
      />
    </>
  )
}
