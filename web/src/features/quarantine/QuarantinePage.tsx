import { Button, SegmentedControl } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { useDiscard, useQuarantinePages, useRelease } from '@/api/lists'
import { download } from '@/api/session'
import { type QuarantineItem } from '@/api/types'
import { told } from '@/kit/act'
import { Confirm } from '@/kit/Confirm'
import { Difference } from '@/kit/Difference'
import { Empty } from '@/kit/Empty'
import { formatInstant } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { doorText, reasonText } from '@/kit/life'
import { Facts, Page, SidePane } from '@/kit/Page'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'

const rowId = (row: QuarantineItem): string => row.id
/** Reasons whose own words name the place in the object. */
const DETAILED = new Set(['unparseable', 'missing_identifier', 'bad_identifier', 'truncated'])
const LENSES = ['held', 'released', 'discarded'] as const
type Lens = (typeof LENSES)[number]

function useColumns(): Column<QuarantineItem>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<QuarantineItem>[] => [
      { id: 'received', title: t('column.received'), width: 110, fixed: true, sortValue: (row) => row.received_at, cell: (row) => <span title={formatInstant(row.received_at)}>{format.relative(row.received_at)}</span> },
      { id: 'source', title: t('quarantine.source'), width: 150, sortValue: (row) => row.source, cell: (row) => <bdi>{row.source}</bdi> },
      { id: 'door', title: t('quarantine.door'), width: 110, sortValue: (row) => row.door, cell: (row) => doorText(t, row.door) },
      { id: 'what', title: t('quarantine.what'), width: 180, sortValue: (row) => row.sop_class, cell: (row) => row.sop_class || t('quarantine.unknown') },
      { id: 'reason', title: t('quarantine.reason'), width: 320, grow: 1, sortValue: (row) => row.reason, cell: (row) => <span title={reasonText(t, row.reason_code, row.reason)}>{reasonText(t, row.reason_code, row.reason)}</span> },
      {
        id: 'difference',
        title: t('quarantine.difference'),
        width: 200,
        cell: (row) => <span className={css['quiet']}>{row.difference.map((item) => item.attribute).join(', ')}</span>,
      },
      { id: 'bytes', title: t('column.size'), width: 80, align: 'end', sortValue: (row) => row.bytes, cell: (row) => format.bytes(row.bytes) },
    ],
    [t, format],
  )
}

/** Objects that could not simply be stored: what came, from whom, why it is held, and the decision. */
export function QuarantinePage() {
  const { t } = useTranslation()
  const [lens, setLens] = useState<Lens>('held')
  const items = useQuarantinePages(lens)
  const selection = useSelection(items.data?.items, rowId)
  const columns = useColumns()
  return (
    <Page
      title={t('page.quarantine')}
      lead={t('quarantine.lead')}
      toolbar={
        <SegmentedControl
          size="xs"
          aria-label={t('quarantine.show')}
          value={lens}
          onChange={(value) => setLens(value)}
          data={LENSES.map((value) => ({ value, label: t(`quarantine.${value}`) }))}
        />
      }
      side={selection.open && selection.row !== undefined && <ItemPane key={selection.row.id} item={selection.row} held={lens === 'held'} onClose={selection.close} />}
    >
      <ListTable
        name="quarantine"
        label={t('page.quarantine')}
        columns={columns}
        reading={items}
        resetKey={lens}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong className={css['clip']}>{row.source}</strong>
              <span className={css['quiet']}>{formatInstant(row.received_at)}</span>
            </span>
            <span className={css['clip']}>{reasonText(t, row.reason_code, row.reason)}</span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => selection.show(row.id)}
        onSpace={(row) => selection.show(row.id)}
        empty={<Empty title={t(lens === 'held' ? 'quarantine.none' : 'quarantine.none_here')}>{lens === 'held' && t('quarantine.none_hint')}</Empty>}
      />
    </Page>
  )
}

function ItemPane({ item, held, onClose }: { item: QuarantineItem; held: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const release = useRelease()
  const discard = useDiscard()
  const mayManage = useMay('quarantine.manage')
  return (
    <SidePane
      title={item.sop_class || t('quarantine.unknown')}
      onClose={onClose}
      footer={
        held &&
        mayManage && (
          <>
            {item.can_release && (
              <Confirm
                danger={false}
                question={t('quarantine.release_question')}
                reason={t('quarantine.reason_label')}
                confirm={t('quarantine.release')}
                busy={release.isPending}
                onConfirm={(reason) => release.mutate({ id: item.id, reason }, told(t('quarantine.released_done')))}
              >
                {t('quarantine.release')}
              </Confirm>
            )}
            <Confirm
              question={t('quarantine.discard_question')}
              reason={t('quarantine.reason_label')}
              confirm={t('quarantine.discard')}
              busy={discard.isPending}
              onConfirm={(reason) => discard.mutate({ id: item.id, reason }, told(t('quarantine.discarded_done')))}
            >
              {t('quarantine.discard')}
            </Confirm>
          </>
        )
      }
    >
      <p>{reasonText(t, item.reason_code, item.reason)}</p>
      {DETAILED.has(item.reason_code) && <p className={css['quiet']}>{item.reason}</p>}
      <Difference rows={item.difference} />
      <div className={css['gap']}>
        <Facts
          items={[
            [t('column.received'), format.instant(item.received_at)],
            [t('quarantine.source'), <bdi key="source">{item.source}</bdi>],
            [t('quarantine.door'), doorText(t, item.door)],
            [t('column.size'), format.bytes(item.bytes)],
            [t('quarantine.study_uid'), item.study_uid],
            [t('quarantine.decided_by'), item.decided_by ?? ''],
            [t('quarantine.decided_at'), format.instant(item.decided_at)],
            [t('quarantine.decided_reason'), item.decided_reason ?? ''],
          ]}
        />
      </div>
      <div className={`${css['buttons'] ?? ''} ${css['gap'] ?? ''}`}>
        {item.study_id !== null && (
          <Button component={Link} to={`/study/${encodeURIComponent(item.study_id)}`}>
            {t('quarantine.open_study')}
          </Button>
        )}
        <Button onClick={() => void download(`/api/quarantine/${encodeURIComponent(item.id)}/file`).catch(() => undefined)} leftSection={<IconDownload size={14} />}>
          {t('quarantine.file')}
        </Button>
      </div>
      {!item.can_release && held && <p className={`${css['quiet'] ?? ''} ${css['gap'] ?? ''}`}>{t('quarantine.cannot_release')}</p>}
    </SidePane>
  )
}
