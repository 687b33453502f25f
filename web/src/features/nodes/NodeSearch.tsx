import { Button, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconArrowNarrowLeft, IconDownload, IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { queryNode, useRetrieve } from '@/api/lists'
import { type NodeQuery, type RemoteNode, type RemoteStudy } from '@/api/types'
import { told } from '@/kit/act'
import { Empty, Failed } from '@/kit/Empty'
import { formatDicomDate } from '@/kit/format/dicomdate'
import { visible } from '@/kit/format/person'
import { useFormat } from '@/kit/format/useFormat'
import form from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { Table } from '@/kit/table/Table'
import css from './Nodes.module.css'
import { FIELDS, toNodeQuery } from './query'

const rowId = (row: RemoteStudy): string => row.study_uid

function useColumns(asked: ReadonlySet<string>, onRetrieve: (row: RemoteStudy) => void): Column<RemoteStudy>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<RemoteStudy>[] => [
      { id: 'patient', title: t('column.patient'), width: 200, grow: 1, fixed: true, sortValue: (row) => row.patient_name ?? '', cell: (row) => <bdi>{format.name(row.patient_name) || t('patient.no_name')}</bdi> },
      { id: 'id', title: t('column.id'), width: 110, sortValue: (row) => row.patient_id ?? '', cell: (row) => visible(row.patient_id ?? '') },
      { id: 'birth', title: t('column.birth_date'), width: 96, cell: (row) => formatDicomDate(row.birth_date) },
      { id: 'when', title: t('column.study_date'), width: 96, sortValue: (row) => row.study_date ?? '', cell: (row) => formatDicomDate(row.study_date) },
      { id: 'exam', title: t('column.exam'), width: 220, grow: 1, cell: (row) => <bdi>{row.description ?? ''}</bdi> },
      { id: 'modality', title: t('column.modality'), width: 72, cell: (row) => (row.modalities ?? []).join(' ') },
      { id: 'images', title: t('column.images'), width: 64, align: 'end', cell: (row) => (row.instance_count === null || row.instance_count === undefined ? '' : format.count(row.instance_count)) },
      {
        id: 'get',
        title: t('node.fetch'),
        width: 130,
        cell: (row) =>
          asked.has(row.study_uid) ? (
            <State tone="running">
              <Link to="/jobs">{t('node.fetching')}</Link>
            </State>
          ) : (
            <Button size="compact-xs" leftSection={<IconDownload size={12} />} onClick={() => onRetrieve(row)}>
              {t('node.fetch')}
            </Button>
          ),
      },
    ],
    [t, format, asked, onRetrieve],
  )
}

/** Looks into a remote node and fetches studies from it. */
export function NodeSearch({ node, onBack }: { node: RemoteNode; onBack: () => void }) {
  const { t } = useTranslation()
  const [fields, setFields] = useState<Record<string, string>>({})
  const [selected, select] = useState<string | null>(null)
  const [asked, setAsked] = useState<ReadonlySet<string>>(new Set())
  const find = useMutation({ mutationFn: (query: NodeQuery) => queryNode(node.id, query) })
  const { mutate } = useRetrieve()
  const retrieve = useMemo(
    () => (row: RemoteStudy) =>
      mutate(
        { nodeId: node.id, studyUid: row.study_uid },
        { ...told(t('node.fetch_started')), onSuccess: () => setAsked((before) => new Set([...before, row.study_uid])) },
      ),
    [mutate, node.id, t],
  )
  const columns = useColumns(asked, retrieve)
  const query = toNodeQuery(fields)
  return (
    <Page
      title={t('node.search_title', { name: node.name })}
      toolbar={
        <form
          className={css['search']}
          onSubmit={(event) => {
            event.preventDefault()
            if (Object.keys(query).length > 0) find.mutate(query)
          }}
        >
          <Button leftSection={<IconArrowNarrowLeft size={14} className={css['back'] ?? ''} />} onClick={onBack}>
            {t('page.nodes')}
          </Button>
          {FIELDS.map(([key, label], index) => (
            <TextInput
              key={key}
              className={css['field'] ?? ''}
              aria-label={t(label)}
              placeholder={t(label)}
              autoFocus={index === 0}
              maxLength={128}
              autoComplete="off"
              value={fields[key] ?? ''}
              onChange={(event) => setFields({ ...fields, [key]: event.currentTarget.value })}
            />
          ))}
          <Button type="submit" variant="filled" leftSection={<IconSearch size={14} />} loading={find.isPending} disabled={Object.keys(query).length === 0}>
            {t('node.search')}
          </Button>
        </form>
      }
    >
      {find.data?.truncated === true && (
        <div className={css['capped']}>
          <State tone="warning">{t('node.capped', { count: find.data.items.length })}</State>
        </div>
      )}
      {find.isError ? (
        <Failed error={find.error} onRetry={() => find.mutate(query)} />
      ) : (
        <Table
          name="node-studies"
          label={t('node.search_title', { name: node.name })}
          columns={columns}
          rows={find.data?.items ?? []}
          rowId={rowId}
          card={(row) => (
            <span className={form['card']}>
              <span className={form['line']}>
                <strong className={form['clip']}>{row.patient_name}</strong>
                <span>{formatDicomDate(row.study_date)}</span>
              </span>
              <span className={form['line']}>
                <span className={form['clip']}>{row.description}</span>
                <Button size="compact-xs" onClick={() => retrieve(row)}>
                  {t('node.fetch')}
                </Button>
              </span>
            </span>
          )}
          selected={selected}
          onSelect={select}
          loading={find.isPending}
          empty={find.isIdle ? <Empty title={t('node.ask')}>{t('node.ask_hint')}</Empty> : <Empty title={t('node.nothing')}>{t('node.nothing_hint')}</Empty>}
        />
      )}
    </Page>
  )
}
