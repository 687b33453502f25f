import { SegmentedControl, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { IconSearch } from '@tabler/icons-react'
import { useCallback, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Glass, searchGlass, trust, useGlassWaiting } from '@/api/trust'
import { Empty } from '@/kit/Empty'
import { useFormat } from '@/kit/format/useFormat'
import css from '@/kit/form.module.css'
import { Page } from '@/kit/Page'
import { State } from '@/kit/State'
import { type Column } from '@/kit/table/columns'
import { ListTable } from '@/kit/table/ListTable'
import { useSelection } from '@/kit/useSelection'
import { GlassPane } from './GlassPane'
import { glassReason } from './glass'

const rowId = (row: Glass): string => row.id
const LENSES = ['waiting', 'reviewed'] as const
type Lens = (typeof LENSES)[number]

function GlassState({ row }: { row: Glass }) {
  const { t } = useTranslation('access')
  if (row.finding !== null) {
    const tone = row.finding === 'justified' ? 'ok' : row.finding === 'unjustified' ? 'critical' : 'warning'
    return <State tone={tone}>{t(`finding.${row.finding}`)}</State>
  }
  if (new Date(row.review_due_at) < new Date()) return <State tone="warning">{t('glass.overdue')}</State>
  return <State tone="waiting">{t('glass.to_review')}</State>
}

function useColumns(): Column<Glass>[] {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const format = useFormat()
  return useMemo(
    (): Column<Glass>[] => [
      { id: 'at', title: t('glass.when'), width: 140, fixed: true, sortValue: (row) => row.granted_at, cell: (row) => <span title={format.instant(row.granted_at)}>{format.relative(row.granted_at)}</span> },
      { id: 'who', title: t('glass.who'), width: 190, sortValue: (row) => row.display_name, cell: (row) => <strong><bdi>{row.display_name || row.user_name}</bdi></strong> },
      { id: 'patient', title: t('glass.patient'), width: 150, sortValue: (row) => row.patient_id, cell: (row) => <bdi>{row.patient_id}</bdi> },
      { id: 'kind', title: t('glass.kind'), width: 140, sortValue: (row) => row.reason_code, cell: (row) => glassReason(app, row.reason_code) },
      { id: 'reason', title: t('glass.reason'), width: 300, grow: 1, cell: (row) => <span title={row.reason}><bdi>{row.reason}</bdi></span> },
      { id: 'state', title: t('site.state'), width: 170, cell: (row) => <GlassState row={row} /> },
    ],
    [t, app, format],
  )
}

function useGlasses(state: Lens, text: string) {
  const list = useInfiniteQuery({
    queryKey: [...trust.glass, 'list', state, text],
    queryFn: ({ pageParam, signal }) => searchGlass({ state, text, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  })
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  // The table asks for more whenever this changes: it must stay the same, and ask for nothing when there is no more.
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const data = useMemo(() => (list.data === undefined ? undefined : { items: list.data.pages.flatMap((page) => page.items) }), [list.data])
  return {
    data,
    isLoading: list.isLoading,
    error: list.error,
    refetch: list.refetch,
    hasMore: hasNextPage,
    loadingMore: isFetchingNextPage,
    read: data?.items.length ?? 0,
    more,
  }
}

/** Emergency accesses: those that nobody has looked at yet, and what was said of the others. */
export default function GlassPage() {
  const { t } = useTranslation('access')
  const { t: app } = useTranslation()
  const [lens, setLens] = useState<Lens>('waiting')
  const [text, setText] = useState('')
  const [settled] = useDebouncedValue(text.trim(), 300)
  const glasses = useGlasses(lens, settled)
  const waiting = useGlassWaiting(true).data
  const selection = useSelection(glasses.data?.items, rowId)
  const columns = useColumns()
  return (
    <Page
      title={t('glass.title')}
      lead={t('glass.lead')}
      toolbar={
        <>
          <SegmentedControl
            size="xs"
            aria-label={t('glass.title')}
            value={lens}
            onChange={(value) => setLens(value)}
            data={LENSES.map((value) => ({ value, label: t(`glass.${value}`) }))}
          />
          <TextInput
            size="xs"
            w={280}
            aria-label={t('glass.search')}
            placeholder={t('glass.search')}
            leftSection={<IconSearch size={14} />}
            maxLength={64}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          {waiting !== undefined && waiting.overdue > 0 && <State tone="warning">{t('glass.overdue_count', { n: waiting.overdue })}</State>}
        </>
      }
      side={selection.open && selection.row !== undefined && <GlassPane key={selection.row.id} glass={selection.row} onClose={selection.close} />}
    >
      <ListTable
        name="glass"
        label={t('glass.title')}
        columns={columns}
        reading={glasses}
        resetKey={`${lens} ${settled}`}
        rowId={rowId}
        card={(row) => (
          <span className={css['card']}>
            <span className={css['line']}>
              <strong className={css['clip']}>{row.display_name || row.user_name}</strong>
              <GlassState row={row} />
            </span>
            <span className={css['quiet']}>{[row.patient_id, glassReason(app, row.reason_code), row.reason].join(' · ')}</span>
          </span>
        )}
        selected={selection.id}
        onSelect={selection.select}
        onOpen={(row) => selection.show(row.id)}
        onSpace={(row) => selection.show(row.id)}
        empty={<Empty title={t(settled !== '' ? 'glass.none_found' : lens === 'waiting' ? 'glass.none_waiting' : 'glass.none_reviewed')}>{lens === 'waiting' && settled === '' && t('glass.none_hint')}</Empty>}
      />
    </Page>
  )
}
