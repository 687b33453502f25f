import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Failed, StaleLine } from '../Empty'
import { useFormat } from '../format/useFormat'
import { Table, type TableProps } from './Table'
import css from './Table.module.css'

/** What a reading hook gives: enough to say loading, failed, stale or here. */
export interface Reading<T> {
  data: { items: T[] } | undefined
  isLoading: boolean
  error: unknown
  refetch: () => unknown
  /** Of a list that goes on: older rows are on the server. */
  hasMore?: boolean
  loadingMore?: boolean
  read?: number
  more?: () => void
}

type Given = 'rows' | 'loading' | 'loadingMore' | 'onEnd' | 'total'
type ListTableProps<T> = Omit<TableProps<T>, Given> & {
  reading: Reading<T>
  /** Older rows are read only when asked for, because few of them may belong to what is shown. */
  byHand?: boolean
}

/** What `aria-rowcount` says when nobody has counted. */
const UNKNOWN = -1

/** A table over a list that the server gives whole or by pages, with its failure and stale states. */
export function ListTable<T>({ reading, byHand = false, ...props }: ListTableProps<T>) {
  const { t } = useTranslation()
  const failed = reading.error !== null
  const retry = (): void => void reading.refetch()
  if (failed && reading.data === undefined) return <Failed error={reading.error} onRetry={retry} />
  return (
    <>
      {failed && <StaleLine text={t('failure.stale')} onRetry={retry} />}
      <Table
        {...props}
        rows={reading.data?.items ?? []}
        loading={reading.isLoading}
        dimmed={failed}
        loadingMore={reading.loadingMore ?? false}
        {...(reading.hasMore === true ? { total: UNKNOWN } : {})}
        {...(reading.more === undefined || byHand || reading.hasMore !== true ? {} : { onEnd: reading.more })}
      />
      {reading.hasMore === true && <More read={reading.read ?? 0} loading={reading.loadingMore === true} onMore={reading.more} />}
    </>
  )
}

/** The line under a list that is not whole. */
export function More({ read, loading, onMore }: { read: number; loading: boolean; onMore: (() => void) | undefined }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <div className={css['more']}>
      <span>{t('table.read', { shown: format.count(read) })}</span>
      <Button size="compact-xs" loading={loading} onClick={onMore}>
        {t('table.older')}
      </Button>
    </div>
  )
}
