import { useTranslation } from 'react-i18next'
import { Failed, StaleLine } from '../Empty'
import { Table, type TableProps } from './Table'

/** What a reading hook gives: enough to say loading, failed, stale or here. */
export interface Reading<T> {
  data: { items: T[] } | undefined
  isLoading: boolean
  error: unknown
  refetch: () => unknown
}

type ListTableProps<T> = Omit<TableProps<T>, 'rows' | 'loading'> & { reading: Reading<T> }

/** A table over a list that the server gives whole, with its failure and stale states. */
export function ListTable<T>({ reading, ...props }: ListTableProps<T>) {
  const { t } = useTranslation()
  const failed = reading.error !== null
  const retry = (): void => void reading.refetch()
  if (failed && reading.data === undefined) return <Failed error={reading.error} onRetry={retry} />
  return (
    <>
      {failed && <StaleLine text={t('failure.stale')} onRetry={retry} />}
      <Table {...props} rows={reading.data?.items ?? []} loading={reading.isLoading} dimmed={failed} />
    </>
  )
}
