import { Button, Menu } from '@mantine/core'
import { useDebouncedValue, useInterval, useMediaQuery } from '@mantine/hooks'
import { IconArrowNarrowUp, IconFile, IconFolder, IconUpload } from '@tabler/icons-react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useMay } from '@/api/access'
import { type StudyRow } from '@/api/types'
import { setCases, tellOpening } from '@/kit/cases'
import { Failed, StaleLine } from '@/kit/Empty'
import { getSiteZone } from '@/kit/format/instant'
import { useFormat } from '@/kit/format/useFormat'
import { openPatients } from '@/kit/identity'
import { Page } from '@/kit/Page'
import { usePreference } from '@/kit/preferences'
import { Table } from '@/kit/table/Table'
import { TableSettings } from '@/kit/table/TableSettings'
import { StudyCard, useStudyColumns } from './columns'
import { EmptyList } from './EmptyList'
import { FilterBar } from './FilterBar'
import { buildQuery, useFilters } from './filters'
import { Preview } from './Preview'
import { Tabs } from './Tabs'
import { useTypeToFilter } from './useTypeToFilter'
import { DropZone } from './upload/DropZone'
import { pickFiles } from './upload/picker'
import { UploadPanel } from './upload/UploadPanel'
import { useStudyList } from './useStudyList'
import { Withheld } from './Withheld'
import css from './Worklist.module.css'

const rowId = (row: StudyRow): string => row.id
const card = (row: StudyRow) => <StudyCard row={row} />
const TICK_MS = 30_000

/** All studies, newest first: the first page of the day. */
export function WorklistPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const mayStore = useMay('study.store')
  const filters = useFilters((state) => state.filters)
  const selected = useFilters((state) => state.selected)
  const { set, select } = useFilters.getState()
  const [settled] = useDebouncedValue(filters, 150)
  const query = useMemo(() => buildQuery(settled, new Date(), getSiteZone()), [settled])
  const resetKey = JSON.stringify(query)
  const list = useStudyList(query)
  const [preview, setPreview] = usePreference('worklist.preview', false)
  const narrow = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false })
  const [tick, setTick] = useState(0)
  useInterval(() => setTick((value) => value + 1), TICK_MS, { autoInvoke: true })
  // Another window may have opened a patient since; the tick looks again.
  const colours = useMemo(() => (tick >= 0 ? openPatients() : new Map<string, string>()), [tick])
  const columns = useStudyColumns(colours)

  const frame = useRef<HTMLDivElement>(null)
  const search = useRef<HTMLInputElement>(null)
  useTypeToFilter(search)
  const shown = useRef<readonly StudyRow[]>([])
  useEffect(() => {
    shown.current = list.rows
  }, [list.rows])
  const focusList = useCallback((first: boolean): void => {
    frame.current?.querySelector<HTMLElement>('[role="grid"]')?.focus({ preventScroll: true })
    const now = useFilters.getState()
    const row = shown.current[0]
    if (first && row !== undefined && !shown.current.some((item) => item.id === now.selected)) now.select(row.id)
  }, [])
  const open = useCallback(
    (id: string) => {
      setCases(shown.current.map((row) => row.id))
      tellOpening(id)
      void navigate(`/study/${encodeURIComponent(id)}`)
    },
    [navigate],
  )
  const [atTop, setAtTop] = useState(true)
  const onTop = useCallback(
    (top: boolean) => {
      setAtTop(top)
      if (top) list.seen()
    },
    [list],
  )
  // Rows that entered while the list stood at its top are seen already.
  const { arrived, seen } = list
  useEffect(() => {
    if (arrived === 0) return
    const timer = setTimeout(() => {
      if ((frame.current?.querySelector('[role="grid"]')?.scrollTop ?? 0) === 0) seen()
    }, 200)
    return () => clearTimeout(timer)
  }, [arrived, seen])
  const current = selected === null ? undefined : list.rows.find((row) => row.id === selected)
  const showPreview = preview && !narrow && current !== undefined

  return (
    <DropZone enabled={mayStore}>
      <Page
        title={t('page.studies')}
        toolbar={
          <>
            <div className={css['lenses']}>
              <Tabs />
              {arrived > 0 && !atTop && (
                <Button
                  size="compact-xs"
                  variant="filled"
                  leftSection={<IconArrowNarrowUp size={14} />}
                  onClick={() => {
                    seen()
                    frame.current?.querySelector('[role="grid"]')?.scrollTo({ top: 0 })
                  }}
                >
                  {t('worklist.arrived', { count: arrived })}
                </Button>
              )}
            </div>
            <div className={css['bar']}>
              <FilterBar search={search} onLeaveSearch={focusList} />
              <span className={css['rest']} />
              {!list.loading && (list.error === null || list.rows.length > 0) && <Count count={list.count} exact={list.exact} />}
              {mayStore && <UploadMenu />}
              <TableSettings name="studies" columns={columns} />
            </div>
          </>
        }
        side={showPreview && <Preview row={current} onClose={() => setPreview(false)} onOpen={open} />}
      >
        {list.error !== null && list.rows.length > 0 && <StaleLine text={t(list.unanswered ? 'worklist.unanswered' : 'worklist.stale')} onRetry={list.reload} />}
        <Withheld found={list.withheld} onOpened={list.reload} />
        <div ref={frame} className={css['frame']}>
          {list.error !== null && list.rows.length === 0 ? (
            <Failed error={list.error} onRetry={list.reload} />
          ) : (
            <Table
              name="studies"
              label={t('page.studies')}
              columns={columns}
              rows={list.rows}
              rowId={rowId}
              card={card}
              selected={selected}
              onSelect={select}
              onOpen={(row) => open(row.id)}
              onSpace={() => setPreview(!preview)}
              sort={filters.sort}
              onSort={(sort) => set({ sort })}
              loading={list.loading}
              loadingMore={list.loadingMore}
              dimmed={list.previous || (list.error !== null && list.rows.length > 0)}
              empty={<EmptyList filters={filters} />}
              onEnd={list.more}
              onTop={onTop}
              resetKey={resetKey}
              total={list.count}
              autoFocus
            />
          )}
        </div>
        <UploadPanel />
      </Page>
    </DropZone>
  )
}

function Count({ count, exact }: { count: number; exact: boolean }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <span className={css['count']} role="status">
      {exact ? '' : '≈ '}
      {t('worklist.count', { count, shown: format.count(count) })}
    </span>
  )
}

function UploadMenu() {
  const { t } = useTranslation()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconUpload size={14} />}>{t('upload.button')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconFile size={14} />} onClick={() => pickFiles(false)}>
          {t('upload.pick_files')}
        </Menu.Item>
        <Menu.Item leftSection={<IconFolder size={14} />} onClick={() => pickFiles(true)}>
          {t('upload.pick_folder')}
        </Menu.Item>
        <Menu.Label>{t('upload.hint')}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  )
}
