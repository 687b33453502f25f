import { Button, SegmentedControl } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useMay } from '@/api/access'
import { useCancelSend, useResend, useSendPages, useSends } from '@/api/lists'
import { type Send, type SendState } from '@/api/types'
import { told } from '@/kit/act'
import { Bar } from '@/kit/Bar'
import { Cause } from '@/kit/Cause'
import { Confirm } from '@/kit/Confirm'
import { Empty } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { formatInstant } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { causeText } from '@/kit/life'
import { Facts, Page, SidePane } from '@/kit/Page'
import { State, type Tone } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { RulesPane } from './RulesPane'

const rowId = (row: Send): string => row.id

const TONES: Record<SendState, Tone> = {
  queued: 'waiting',
  waiting: 'warning',
  sending: 'running',
  done: 'ok',
  failed: 'critical',
  cancelled: 'stopped',
}

/** The server's line of modalities, date and accession number with the date laid out for reading. */
function whatText(what: string): string {
  const [modalities, date, ...rest] = what.split(' ')
  return [modalities, formatDicomDate(date), ...rest].join(' · ')
}

const LENSES = ['open', 'failed', 'done', 'all'] as const
type Lens = (typeof LENSES)[number]

function inLens(send: Send, lens: Lens): boolean {
  if (lens === 'open') return send.state === 'queued' || send.state === 'sending' || send.state === 'waiting' || send.state === 'failed'
  return lens === 'all' || send.state === lens
}

function SendStateWord({ row }: { row: Send }) {
  const { t } = useTranslation()
  const format = useFormat()
  const next = row.state === 'waiting' && row.next_attempt_at !== null ? ` · ${format.relative(row.next_attempt_at)}` : ''
  return <State tone={TONES[row.state]}>{`${t(`send.${row.state}`)}${next}`}</State>
}

function useColumns(): Column<Send>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Send>[] => [
      { id: 'what', title: t('send.what'), width: 260, grow: 1, fixed: true, sortValue: (row) => row.what, cell: (row) => <bdi title={whatText(row.what)}>{whatText(row.what)}</bdi> },
      { id: 'node', title: t('send.to'), width: 170, sortValue: (row) => row.node, cell: (row) => <bdi>{row.node}</bdi> },
      { id: 'state', title: t('column.state'), width: 180, sortValue: (row) => row.state, cell: (row) => <SendStateWord row={row} /> },
      {
        id: 'progress',
        title: t('send.progress'),
        width: 170,
        cell: (row) => <Bar done={row.done} total={row.total} label={t('send.progress')} text={`${format.count(row.done)} / ${format.count(row.total)}`} />,
      },
      { id: 'error', title: t('send.error'), width: 240, grow: 1, cell: (row) => <span title={causeText(t, row.error)}>{causeText(t, row.error)}</span> },
      { id: 'attempts', title: t('send.attempts'), width: 72, align: 'end', sortValue: (row) => row.attempts, cell: (row) => row.attempts },
      { id: 'created', title: t('send.created'), width: 110, sortValue: (row) => row.created_at, cell: (row) => <span title={formatInstant(row.created_at)}>{format.relative(row.created_at)}</span> },
    ],
    [t, format],
  )
}

/** What is on its way to other nodes, what failed and why, and the rules that send by themselves. */
export function SendingPage() {
  const { t } = useTranslation()
  const resend = useResend()
  const mayRules = useMay('node.manage')
  const [lens, setLens] = useState<Lens>('open')
  const sends = useSendPages(lens === 'failed' || lens === 'done' ? lens : undefined)
  const [rules, setRules] = useState(false)
  const columns = useColumns()
  const { data } = sends
  const shown = useMemo(() => (data === undefined ? undefined : { items: data.items.filter((send) => inLens(send, lens)) }), [data, lens])
  const selection = useSelection(data?.items, rowId)
  const failed = useSends('failed').data?.items ?? []
  const side = rules ? (
    <RulesPane onClose={() => setRules(false)} />
  ) : (
    selection.open && selection.row !== undefined && <SendPane send={selection.row} onClose={selection.close} />
  )
  return (
    <Page
      title={t('page.sending')}
      lead={t('send.lead')}
      actions={mayRules && <Button onClick={() => setRules(!rules)}>{t('rule.title')}</Button>}
      toolbar={
        <>
          <SegmentedControl
            size="xs"
            aria-label={t('send.show')}
            value={lens}
            onChange={(value) => setLens(value)}
            data={LENSES.map((value) => ({ value, label: t(`send.lens_${value}`) }))}
          />
          {failed.length > 1 && (
            <Button leftSection={<IconRefresh size={14} />} onClick={() => failed.forEach((send) => resend.mutate(send.id, told()))}>
              {t('send.resend_all', { count: failed.length })}
            </Button>
          )}
        </>
      }
      side={side}
    >
      <ListTable
        name="sends"
        label={t('page.sending')}
        columns={columns}
        reading={{ ...sends, data: shown }}
        byHand={lens === 'open'}
        resetKey={lens}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <bdi className={css['clip']}>{whatText(row.what)}</bdi>
            <span className={css['line']}>
              <SendStateWord row={row} />
              <span className={css['quiet']}>{row.node}</span>
            </span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => {
          setRules(false)
          selection.show(row.id)
        }}
        onSpace={(row) => selection.show(row.id)}
        empty={<Empty title={t(lens === 'failed' ? 'send.none_failed' : 'send.none')}>{t('send.none_hint')}</Empty>}
      />
    </Page>
  )
}

function SendPane({ send, onClose }: { send: Send; onClose: () => void }) {
  const { t } = useTranslation()
  const format = useFormat()
  const resend = useResend()
  const cancel = useCancelSend()
  const open = send.state === 'queued' || send.state === 'sending' || send.state === 'waiting'
  return (
    <SidePane
      title={<bdi>{whatText(send.what)}</bdi>}
      onClose={onClose}
      footer={
        <>
          {!open && (
            <Button variant="filled" leftSection={<IconRefresh size={14} />} loading={resend.isPending} onClick={() => resend.mutate(send.id, told(t('send.queued_again')))}>
              {t('send.resend')}
            </Button>
          )}
          {open && (
            <Confirm danger={false} question={t('send.cancel_question')} confirm={t('send.cancel')} busy={cancel.isPending} onConfirm={() => cancel.mutate(send.id, told())}>
              {t('send.cancel')}
            </Confirm>
          )}
          <Button component={Link} to={`/study/${encodeURIComponent(send.study_id)}`}>
            {t('study.open')}
          </Button>
        </>
      }
    >
      <Facts
        items={[
          [t('column.state'), <SendStateWord key="state" row={send} />],
          [t('send.to'), <bdi key="node">{send.node}</bdi>],
          [t('send.progress'), t('send.counts', { done: format.count(send.done), total: format.count(send.total), failed: format.count(send.failed) })],
          [t('send.attempts'), String(send.attempts)],
          [t('send.next'), send.next_attempt_at === null ? '' : format.instant(send.next_attempt_at)],
          [t('send.created'), format.instant(send.created_at)],
          [t('send.error'), send.error === null ? '' : <Cause key="error" error={send.error} />],
        ]}
      />
    </SidePane>
  )
}
