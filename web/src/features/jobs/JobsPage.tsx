import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { type TFunction } from 'i18next'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/access'
import { useCancelJob, useJobPages, useRetryJob } from '@/api/lists'
import { type Job, type JobState } from '@/api/types'
import { told } from '@/kit/act'
import { Bar } from '@/kit/Bar'
import { Cause } from '@/kit/Cause'
import { Confirm } from '@/kit/Confirm'
import { Empty } from '@/kit/Empty'
import { formatInstant } from '@/kit/format/instant'
import { type Format, useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { causeText, jobKindText, jobText } from '@/kit/life'
import { Facts, Page, SidePane } from '@/kit/Page'
import { State, type Tone } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { TableSettings } from '@/kit/table/TableSettings'
import { useSelection } from '@/kit/useSelection'

const rowId = (row: Job): string => row.id
const TONES: Record<JobState, Tone> = { queued: 'waiting', running: 'running', done: 'ok', failed: 'critical', cancelled: 'stopped' }

function JobStateWord({ row }: { row: Job }) {
  const { t } = useTranslation()
  return <State tone={TONES[row.state]}>{t(`job.${row.state}`)}</State>
}

function progressText(t: TFunction, format: Format, row: Job): string {
  const unit = row.unit === 'files' || row.unit === 'objects' ? t(`job.unit_${row.unit}`) : row.unit
  if (row.total === null) return row.done === 0 ? '' : `${format.count(row.done)} ${unit}`
  return `${format.count(row.done)} / ${format.count(row.total)} ${unit}`
}

function useColumns(): Column<Job>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Job>[] => [
      { id: 'title', title: t('job.title'), width: 280, grow: 1, fixed: true, sortValue: (row) => jobText(t, row), cell: (row) => <bdi title={jobText(t, row)}>{jobText(t, row)}</bdi> },
      { id: 'kind', title: t('job.kind'), width: 120, hidden: true, sortValue: (row) => row.kind, cell: (row) => jobKindText(t, row.kind) },
      { id: 'state', title: t('column.state'), width: 120, sortValue: (row) => row.state, cell: (row) => <JobStateWord row={row} /> },
      { id: 'progress', title: t('job.progress'), width: 260, cell: (row) => <Bar done={row.done} total={row.total} label={t('job.progress')} text={progressText(t, format, row)} /> },
      { id: 'error', title: t('job.error'), width: 260, grow: 1, cell: (row) => <span title={causeText(t, row.error)}>{causeText(t, row.error)}</span> },
      { id: 'created', title: t('job.created'), width: 110, sortValue: (row) => row.created_at, cell: (row) => <span title={formatInstant(row.created_at)}>{format.relative(row.created_at)}</span> },
    ],
    [t, format],
  )
}

/** Work that goes on by itself: what, how far, and what went wrong. */
export function JobsPage() {
  const { t } = useTranslation()
  const format = useFormat()
  const jobs = useJobPages()
  const selection = useSelection(jobs.data?.items, rowId)
  const columns = useColumns()
  return (
    <Page
      title={t('page.jobs')}
      lead={t('job.lead')}
      actions={<TableSettings name="jobs" columns={columns} />}
      side={selection.open && selection.row !== undefined && <JobPane job={selection.row} onClose={selection.close} />}
    >
      <ListTable
        name="jobs"
        label={t('page.jobs')}
        columns={columns}
        reading={jobs}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <bdi className={css['clip']}>{jobText(t, row)}</bdi>
            <span className={css['line']}>
              <JobStateWord row={row} />
              <span className={css['quiet']}>{progressText(t, format, row)}</span>
            </span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => selection.show(row.id)}
        onSpace={(row) => selection.show(row.id)}
        empty={<Empty title={t('job.none')}>{t('job.none_hint')}</Empty>}
      />
    </Page>
  )
}

function JobPane({ job, onClose }: { job: Job; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const cancel = useCancelJob()
  const retry = useRetryJob()
  const mayManage = useMay('job.manage')
  return (
    <SidePane
      title={<bdi>{jobText(t, job)}</bdi>}
      onClose={onClose}
      footer={
        mayManage &&
        (job.can_retry || job.can_cancel) && (
          <>
            {job.can_retry && (
              <Button variant="filled" leftSection={<IconRefresh size={14} />} loading={retry.isPending} onClick={() => retry.mutate(job.id, told(t('job.queued_again')))}>
                {t('job.retry')}
              </Button>
            )}
            {job.can_cancel && (
              <Confirm question={t('job.cancel_question')} confirm={t('job.cancel')} busy={cancel.isPending} onConfirm={() => cancel.mutate(job.id, told())}>
                {t('job.cancel')}
              </Confirm>
            )}
          </>
        )
      }
    >
      <Bar done={job.done} total={job.total} label={t('job.progress')} text={progressText(t, format, job)} />
      <div className={css['gap']}>
        <Facts
          items={[
            [t('column.state'), <JobStateWord key="state" row={job} />],
            [t('job.kind'), jobKindText(t, job.kind)],
            [t('job.created'), format.instant(job.created_at)],
            [t('job.started'), format.instant(job.started_at)],
            [t('job.finished'), format.instant(job.finished_at)],
            [t('job.error'), job.error === null ? '' : <Cause key="error" error={job.error} />],
          ]}
        />
      </div>
    </SidePane>
  )
}
